"""python3 calls.py DIRECTORY: what each call answers there, a line each: its name, and errno or what changed."""
import ctypes, errno, fcntl, os, stat, struct, sys, time

libc = ctypes.CDLL(None, use_errno=True)
KEEP_SIZE, PUNCH_HOLE, COLLAPSE, ZERO_RANGE, INSERT, UNSHARE = 1, 2, 8, 16, 32, 64
NOREPLACE, EXCHANGE = 1, 2
UTIME_NOW, UTIME_OMIT = (1 << 30) - 1, (1 << 30) - 2
cases = []

def case(function):
    cases.append(function)
    return function

def raw(name, *arguments):
    converted = [a.encode() if isinstance(a, str) else ctypes.c_int64(a) if isinstance(a, int) else a for a in arguments]
    result = getattr(libc, name)(*converted)
    if result == -1: raise OSError(ctypes.get_errno(), name)
    return result

def utimens(path, atime, mtime, flags=0):
    raw("utimensat", -100, path, struct.pack("qqqq", *atime, *mtime), flags)

def rename2(old, new, flags): raw("renameat2", -100, old, -100, new, flags)

def answer(call, *arguments, **named):
    """What it gave: None is told as ok."""
    try:
        result = call(*arguments, **named)
        return "ok" if result is None else result
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error.errno))

def make(name, content=b"", mode=0o644):
    file = os.open(name, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, mode)
    os.write(file, content)
    os.close(file)
    return name

def opened(name, flags=os.O_RDONLY, mode=0o644, then=None):
    file = os.open(name, flags, mode)
    try:
        return then(file) if then else None
    finally:
        os.close(file)

def kind(name):
    mode = os.lstat(name).st_mode
    return "%s %o" % (stat.filemode(mode)[0], mode & 0o7777)

def moved(names, call):
    """Which times a call moves: of each name a letter for atime, mtime and ctime."""
    old = (10**9 * 10**9, 10**9 * 10**9)
    for name in names: os.utime(name, ns=old, follow_symlinks=False)
    before = {name: os.lstat(name) for name in names}
    time.sleep(0.02)
    result = call()
    told = []
    for name in names:
        try:
            now = os.lstat(name)
        except OSError:
            told.append(name + ":gone")
            continue
        letters = "".join(letter for letter, field in (("m", "st_mtime_ns"), ("c", "st_ctime_ns"))
                          if getattr(now, field) != getattr(before[name], field))
        told.append("%s:%s" % (name, letters or "-"))
    return " ".join(told) + ("" if result is None else " %s" % result)

# open(2)

@case
def open_errors():
    make("f"); os.mkdir("d"); os.symlink("l", "l"); os.symlink("f", "s"); os.symlink("none", "dangling")
    yield answer(opened, "none")
    yield answer(opened, "f", os.O_CREAT | os.O_EXCL | os.O_WRONLY)
    yield answer(opened, "s", os.O_CREAT | os.O_EXCL | os.O_WRONLY)
    yield answer(opened, "dangling", os.O_CREAT | os.O_EXCL | os.O_WRONLY)
    yield answer(opened, "f/x")
    yield answer(opened, "f/")
    yield answer(opened, "none/x", os.O_CREAT | os.O_WRONLY)
    yield answer(opened, "d", os.O_WRONLY)
    yield answer(opened, "d", os.O_RDWR)
    yield answer(opened, "d", os.O_RDONLY | os.O_TRUNC)
    yield answer(opened, "d", os.O_CREAT)
    yield answer(opened, "new/", os.O_CREAT | os.O_WRONLY)
    yield answer(opened, "l")
    yield answer(opened, "s", os.O_NOFOLLOW)
    yield answer(opened, "f", os.O_DIRECTORY)
    yield answer(opened, "d", os.O_DIRECTORY)
    yield answer(opened, "n" * 255, os.O_CREAT | os.O_WRONLY)
    yield answer(opened, "n" * 256, os.O_CREAT | os.O_WRONLY)
    yield answer(opened, "d/" * 2100 + "x")
    yield answer(opened, "")
    yield answer(opened, "dangling", os.O_CREAT | os.O_WRONLY), answer(kind, "none")

@case
def open_truncates():
    make("f", b"abc")
    yield answer(moved, ["f"], lambda: opened("f", os.O_WRONLY | os.O_TRUNC)), os.stat("f").st_size
    make("empty")
    yield answer(moved, ["empty"], lambda: opened("empty", os.O_WRONLY | os.O_TRUNC))
    make("read", b"abc")
    yield answer(moved, ["read"], lambda: opened("read", os.O_RDONLY | os.O_TRUNC)), os.stat("read").st_size
    os.chmod("read", 0o400)
    yield answer(opened, "read", os.O_RDONLY | os.O_TRUNC)
    yield answer(moved, ["f"], lambda: opened("f", os.O_WRONLY | os.O_CREAT))
    yield answer(moved, ["f"], lambda: opened("f", os.O_RDWR))

@case
def access_modes():
    make("f", b"abc")
    yield opened("f", os.O_WRONLY, then=lambda f: answer(os.read, f, 1))
    yield opened("f", os.O_RDONLY, then=lambda f: answer(os.write, f, b"x"))
    yield opened("f", os.O_RDONLY, then=lambda f: answer(os.ftruncate, f, 0))
    yield opened("f", os.O_RDONLY, then=lambda f: answer(raw, "fallocate", f, 0, 0, 10))
    os.mkdir("d")
    yield opened("d", then=lambda f: answer(os.read, f, 1))
    yield opened("d", then=lambda f: answer(os.write, f, b"x"))
    yield opened("d", then=lambda f: answer(os.ftruncate, f, 0))
    yield opened("d", then=lambda f: answer(os.fsync, f))

@case
def permissions():
    os.mkdir("d"); make("d/f", b"x", 0o600); make("r", b"x", 0o400); make("w", b"x", 0o200); make("none", b"x", 0)
    for name in ["r", "w", "none"]:
        for flags in [os.O_RDONLY, os.O_WRONLY, os.O_RDWR, os.O_WRONLY | os.O_TRUNC]:
            yield answer(opened, name, flags)
        yield [answer(os.access, name, mode) for mode in (os.R_OK, os.W_OK, os.X_OK)]
        yield answer(os.truncate, name, 0)
    for mode in (0o600, 0o500, 0o300, 0):
        os.chmod("d", mode)
        yield ("%o" % mode, answer(kind, "d/f"), type(answer(os.listdir, "d")).__name__, answer(make, "d/new"), answer(os.unlink, "d/f"),
               answer(os.rename, "d/f", "d/g"), answer(os.mkdir, "d/sub"), answer(os.symlink, "x", "d/l"))
        os.chmod("d", 0o700)
        make("d/f", b"x", 0o600)
        for name in ["new", "g", "l"]: answer(os.unlink, "d/" + name)
        answer(os.rmdir, "d/sub")

@case
def created_with_mode():
    for mask in (0, 0o022, 0o077):
        before = os.umask(mask)
        make("f", b"", 0o7777); os.mkdir("d", 0o7777)
        yield kind("f"), kind("d")
        os.umask(before)
        os.unlink("f"); os.rmdir("d")

@case
def group_of_directory():
    os.mkdir("d"); os.chmod("d", 0o2755)
    make("d/f"); os.mkdir("d/e")
    yield kind("d/f"), kind("d/e"), os.stat("d/f").st_gid == os.stat("d").st_gid

# mkdir(2), rmdir(2), unlink(2)

@case
def directories():
    make("f"); os.mkdir("d"); os.mkdir("full"); make("full/x"); os.symlink("d", "s"); os.symlink("none", "dangling")
    yield answer(os.mkdir, "d"), answer(os.mkdir, "f"), answer(os.mkdir, "s"), answer(os.mkdir, "dangling")
    yield answer(os.mkdir, "none/x"), answer(os.mkdir, "f/x"), answer(os.mkdir, "n" * 256), answer(os.mkdir, "new/")
    yield answer(os.rmdir, "none"), answer(os.rmdir, "f"), answer(os.rmdir, "full"), answer(os.rmdir, "s")
    yield answer(os.rmdir, "d/."), answer(os.rmdir, "d/.."), answer(os.rmdir, "."), answer(os.rmdir, "f/x")
    yield answer(os.unlink, "d"), answer(os.unlink, "none"), answer(os.unlink, "f/x"), answer(os.unlink, "f/")
    yield answer(os.unlink, "s"), answer(os.unlink, "dangling"), answer(os.rmdir, "d/")
    yield answer(os.unlink, "n" * 256), answer(os.unlink, "")

@case
def gone_directory():
    os.mkdir("d"); os.chdir("d"); os.rmdir("../d")
    yield answer(make, "x"), answer(os.mkdir, "y"), answer(os.listdir, "."), answer(os.symlink, "a", "b")
    yield answer(os.stat, "..") == "ok", os.stat(".").st_nlink
    os.chdir(home)

@case
def unlinked_file():
    make("f", b"abc")
    file = os.open("f", os.O_RDWR)
    yield answer(moved, ["."], lambda: os.unlink("f"))
    yield os.fstat(file).st_nlink, os.read(file, 9), os.pwrite(file, b"xyz!", 1), os.fstat(file).st_size
    yield answer(os.fchmod, file, 0o600), answer(os.ftruncate, file, 2), answer(os.fsync, file), os.pread(file, 9, 0)
    yield answer(os.setxattr, file, "user.a", b"1"), answer(os.getxattr, file, "user.a")
    make("f", b"other")
    yield os.stat("f").st_ino != os.fstat(file).st_ino, os.pread(file, 9, 0)
    os.close(file)

# rename(2)

@case
def rename():
    def scene():
        libc.system(b"rm -rf ./*")
        make("f", b"f"); make("g", b"g"); os.mkdir("d"); os.mkdir("e"); os.mkdir("full"); make("full/x")
        os.mkdir("d/sub"); os.symlink("f", "s"); os.symlink("d", "t")
    for old, new in [("f", "new"), ("f", "g"), ("f", "f"), ("f", "d"), ("f", "full"), ("d", "f"), ("d", "e"), ("d", "full"),
                     ("full", "e"), ("d", "d/x"), ("d", "d/sub/x"), ("d", "d/sub"), ("none", "x"), ("none", "f"), ("f", "none/x"), ("f", "g/x"),
                     ("f/x", "y"), ("s", "new"), ("s", "f"), ("f", "s"), ("t", "e"), ("d", "t"), (".", "x"), ("d/.", "x"),
                     ("f", "."), ("d/..", "x"), ("f", "n" * 256), ("n" * 256, "x"), ("f", "new/"), ("d", "new/"), ("f", "d/"),
                     ("f", "d/sub"), ("d/sub", "d"), ("full/x", "full"), ("", "x"), ("f", "")]:
        scene()
        yield old[:9], new[:9], answer(os.rename, old, new), sorted(os.listdir("."))
    for old, new in [("f", "g"), ("f", "new"), ("f", "f"), ("d", "e"), ("d", "full"), ("f", "d")]:
        for flags in (NOREPLACE, EXCHANGE, NOREPLACE | EXCHANGE, 8):
            scene()
            yield old, new, flags, answer(rename2, old, new, flags), [kind(name) for name in sorted(os.listdir("."))]
    for old, new in [("d", "d/sub"), ("d/sub", "d"), ("full/x", "full"), ("full", "full/x")]:
        scene()
        yield old, new, "exchanged", answer(rename2, old, new, EXCHANGE)

@case
def rename_times():
    os.mkdir("d"); os.mkdir("e"); make("d/f", b"x"); make("e/g", b"y"); os.mkdir("d/sub")
    yield answer(moved, ["d", "e", "d/f"], lambda: os.rename("d/f", "d/h"))
    yield answer(moved, ["d", "e", "d/h"], lambda: os.rename("d/h", "e/h")), os.path.exists("e/h")
    yield answer(moved, ["d", "e", "e/g"], lambda: os.rename("e/h", "e/g"))
    yield answer(moved, ["d", "e", "d/sub"], lambda: os.rename("d/sub", "e/sub"))
    yield answer(moved, ["e", "e/sub", "e/g"], lambda: rename2("e/sub", "e/g", EXCHANGE))
    yield answer(moved, ["e"], lambda: os.rename("e/g", "e/g"))

@case
def renamed_while_open():
    make("f", b"abc"); make("g", b"gone")
    file, other = os.open("f", os.O_RDWR), os.open("g", os.O_RDWR)
    os.rename("f", "g")
    yield os.fstat(file).st_nlink, os.fstat(other).st_nlink, os.read(other, 9)
    yield os.pwrite(file, b"more", 3), os.close(file), open("g", "rb").read(), os.close(other)

# Links

@case
def symbolic_links():
    yield answer(os.symlink, "none", "s"), os.readlink("s"), os.lstat("s").st_size, kind("s")
    yield answer(os.symlink, "x", "s"), answer(os.symlink, "", "empty"), answer(os.symlink, "t" * 4095, "long"), answer(os.symlink, "t" * 4096, "longer")
    yield answer(os.readlink, "none"), answer(os.symlink, "x", "none/l"), answer(os.symlink, "x", "n" * 256)
    make("f")
    yield answer(os.readlink, "f"), answer(os.symlink, "x", "f/l"), answer(os.symlink, "f", "l"), answer(os.stat, "l").st_ino == os.stat("f").st_ino
    yield answer(moved, [".", "l", "f"], lambda: os.unlink("l"))
    yield answer(moved, ["."], lambda: os.symlink("a", "m"))
    yield answer(os.chmod, "s", 0o600)
    yield answer(os.lchown, "m", os.getuid(), os.getgid())
    yield answer(utimens, "m", (1, 2), (3, 4), 0x100), os.lstat("m").st_mtime_ns
    yield answer(os.setxattr, "m", "user.a", b"1", follow_symlinks=False)

@case
def hard_links():
    make("f", b"abc"); os.mkdir("d")
    yield answer(os.link, "f", "l"), answer(os.link, "d", "dl"), answer(os.link, "none", "x"), answer(os.link, "f", "f")
    yield answer(os.link, "f", "none/x"), answer(os.link, "f", "d/l"), os.stat("f").st_nlink
    yield os.stat("l").st_ino == os.stat("d/l").st_ino == os.stat("f").st_ino, answer(os.link, "l", "n" * 256), answer(os.link, "f/x", "y")
    yield answer(moved, [".", "f", "l"], lambda: os.link("l", "m")), os.stat("f").st_nlink
    yield answer(moved, [".", "d", "f", "m"], lambda: os.rename("m", "d/m")), os.stat("f").st_nlink
    yield answer(os.rename, "f", "l"), sorted(os.listdir(".")), answer(rename2, "f", "l", NOREPLACE), answer(rename2, "f", "d/m", EXCHANGE)
    opened("l", os.O_WRONLY | os.O_APPEND, then=lambda f: os.write(f, b"def"))
    yield open("f", "rb").read(), os.stat("d/m").st_size
    os.chmod("d/l", 0o600); os.setxattr("d/l", "user.a", b"1")
    yield kind("f"), os.getxattr("l", "user.a")
    file = os.open("f", os.O_RDWR)
    yield answer(moved, [".", "l"], lambda: os.unlink("f")), os.fstat(file).st_nlink, answer(os.stat, "f")
    os.pwrite(file, b"ABC", 0); os.close(file)
    yield open("d/l", "rb").read(), os.stat("l").st_nlink
    make("x", b"x")
    yield answer(moved, [".", "l"], lambda: os.rename("x", "d/l")), os.stat("l").st_nlink, open("d/l", "rb").read()
    yield answer(rename2, "l", "d/l", EXCHANGE), open("l", "rb").read(), open("d/m", "rb").read(), os.stat("d/l").st_nlink
    os.unlink("d/l"); os.unlink("d/m")
    yield os.stat("l").st_nlink, answer(os.rmdir, "d")

@case
def hard_links_of_links():
    make("f"); os.symlink("f", "s")
    yield answer(os.link, "s", "t", follow_symlinks=False), os.lstat("s").st_nlink, os.readlink("t"), os.lstat("t").st_ino == os.lstat("s").st_ino
    yield answer(os.link, "s", "u", follow_symlinks=True), kind("u"), os.stat("f").st_nlink
    os.unlink("s")
    yield os.lstat("t").st_nlink, os.readlink("t"), answer(os.unlink, "t")
    file = os.open("f", os.O_RDONLY); os.unlink("f"); os.unlink("u")
    yield os.fstat(file).st_nlink, answer(os.link, "/proc/self/fd/%d" % file, "v", follow_symlinks=True)
    os.close(file)

@case
def nodes():
    yield answer(os.mkfifo, "p"), answer(os.mknod, "r", 0o644 | stat.S_IFREG), answer(kind, "r"), answer(os.mknod, "c", stat.S_IFCHR | 0o600, os.makedev(1, 3))
    yield answer(os.mknod, "r", 0o644 | stat.S_IFREG), answer(os.mkfifo, "none/p"), answer(os.mknod, "s", stat.S_IFSOCK | 0o600)

# Sizes

@case
def truncate():
    make("f", b"abcdef"); os.mkdir("d"); os.symlink("f", "s")
    yield answer(moved, ["f"], lambda: os.truncate("f", 3)), open("f", "rb").read()
    yield answer(moved, ["f"], lambda: os.truncate("f", 8)), open("f", "rb").read()
    yield answer(moved, ["f"], lambda: os.truncate("f", 8))
    yield opened("f", os.O_RDWR, then=lambda f: answer(moved, ["f"], lambda: os.ftruncate(f, 8)))
    yield answer(os.truncate, "s", 1), os.stat("f").st_size
    yield answer(os.truncate, "d", 1), answer(os.truncate, "none", 1), answer(os.truncate, "f/x", 1), answer(os.truncate, "f", -1)
    yield answer(os.truncate, "f", 1 << 62), answer(os.truncate, "n" * 256, 1)

@case
def allocate():
    make("f", b"abc")
    def call(mode, offset, count): return opened("f", os.O_RDWR, then=lambda f: answer(raw, "fallocate", f, mode, offset, count))
    yield call(0, 0, 10), os.stat("f").st_size, call(KEEP_SIZE, 0, 20), os.stat("f").st_size
    yield call(0, -1, 10), call(0, 0, 0), call(0, 0, -1), call(PUNCH_HOLE, 0, 2), call(PUNCH_HOLE | KEEP_SIZE, 1, 1), open("f", "rb").read()
    yield call(ZERO_RANGE, 0, 1), call(ZERO_RANGE | KEEP_SIZE, 1, 30), os.stat("f").st_size, call(ZERO_RANGE | PUNCH_HOLE, 0, 1)
    os.mkdir("d")
    yield opened("d", then=lambda f: answer(raw, "fallocate", f, 0, 0, 1))
    for mode, offset, count in [(0, 0, 1), (0, 0, 100), (KEEP_SIZE, 0, 200), (PUNCH_HOLE | KEEP_SIZE, 0, 3),
                                (ZERO_RANGE | KEEP_SIZE, 0, 3), (ZERO_RANGE, 0, 300), (PUNCH_HOLE | KEEP_SIZE, 900, 3)]:
        yield "%d at %d" % (mode, offset), answer(moved, ["f"], lambda: call(mode, offset, count))

@case
def writes():
    make("f", b"abc")
    yield answer(moved, ["."], lambda: opened("f", os.O_WRONLY, then=lambda f: os.write(f, b"x")))
    yield answer(moved, ["f"], lambda: opened("f", os.O_WRONLY, then=lambda f: os.write(f, b"x")))
    yield answer(moved, ["f"], lambda: opened("f", os.O_WRONLY, then=lambda f: os.write(f, b"")))
    yield answer(moved, ["f"], lambda: opened("f", os.O_RDONLY, then=lambda f: len(os.read(f, 2))))
    yield opened("f", os.O_RDWR | os.O_APPEND, then=lambda f: (os.pwrite(f, b"END", 0), os.lseek(f, 0, os.SEEK_CUR), os.pread(f, 20, 0)))
    yield opened("f", os.O_RDWR, then=lambda f: (answer(os.pwrite, f, b"x", -1), answer(os.pread, f, 1, -1), os.pread(f, 5, 1000)))
    yield opened("f", os.O_RDWR, then=lambda f: (os.pwrite(f, b"x", 9000), os.fstat(f).st_size, os.pread(f, 4, 8997)))
    yield opened("f", os.O_RDWR, then=lambda f: (answer(os.pwrite, f, b"x", (1 << 63) - 1)))

@case
def seeks():
    make("f", b"abc")
    def seek(offset, whence): return opened("f", then=lambda f: answer(os.lseek, f, offset, whence))
    yield seek(-1, 0), seek(5, 0), seek(-3, 2), seek(-4, 2), seek(1, 1), seek(0, 99)
    yield seek(0, os.SEEK_DATA), seek(0, os.SEEK_HOLE), seek(3, os.SEEK_DATA), seek(3, os.SEEK_HOLE), seek(2, os.SEEK_DATA), seek(-1, os.SEEK_DATA)
    make("e")
    yield opened("e", then=lambda f: (answer(os.lseek, f, 0, os.SEEK_DATA), answer(os.lseek, f, 0, os.SEEK_HOLE)))

# Attributes

@case
def modes():
    make("f"); os.mkdir("d"); os.symlink("f", "s")
    yield answer(moved, ["f", "."], lambda: os.chmod("f", 0o7777)), kind("f")
    yield answer(os.chmod, "d", 0o1777), kind("d"), answer(os.chmod, "none", 0o600), answer(os.chmod, "f/x", 0o600)
    yield answer(os.chmod, "s", 0o640), kind("f"), kind("s")
    yield opened("f", then=lambda f: (answer(os.fchmod, f, 0o600), kind("f")))
    os.chmod("f", 0o6755)
    opened("f", os.O_WRONLY, then=lambda f: os.write(f, b"x"))
    yield "written", kind("f")
    os.chmod("f", 0o6755)
    os.truncate("f", 0)
    yield "cut", kind("f")
    os.chmod("f", 0o6755)
    yield answer(os.chown, "f", os.getuid(), os.getgid()), kind("f")
    os.chmod("f", 0o6745)
    yield answer(os.chown, "f", -1, -1), kind("f")

@case
def owners():
    make("f"); os.mkdir("d"); os.symlink("f", "s")
    yield answer(moved, ["f", "."], lambda: os.chown("f", os.getuid(), os.getgid()))
    yield answer(os.chown, "f", os.getuid(), 12345), answer(os.chown, "f", 12345, -1), (os.stat("f").st_uid == os.getuid(), os.stat("f").st_gid == os.getgid())
    yield answer(os.chown, "none", 0, 0), answer(os.chown, "f/x", 0, 0), answer(os.lchown, "s", 12345, -1)

@case
def times():
    make("f", b"x"); os.mkdir("d"); os.symlink("f", "s")
    yield answer(utimens, "f", (1, 123456789), (2, 987654321)), os.stat("f").st_atime_ns, os.stat("f").st_mtime_ns
    yield answer(utimens, "f", (0, UTIME_OMIT), (3, 0)), os.stat("f").st_atime_ns, os.stat("f").st_mtime_ns
    yield answer(utimens, "f", (0, UTIME_OMIT), (0, UTIME_OMIT)), os.stat("f").st_mtime_ns
    yield answer(utimens, "f", (0, UTIME_NOW), (0, UTIME_OMIT)), abs(os.stat("f").st_atime - time.time()) < 60, os.stat("f").st_mtime_ns
    yield answer(utimens, "f", (0, UTIME_NOW), (0, UTIME_NOW)), abs(os.stat("f").st_mtime - time.time()) < 60
    yield answer(utimens, "f", (0, 10**9), (0, 0)), answer(utimens, "none", (0, 0), (0, 0)), answer(utimens, "f/x", (0, 0), (0, 0))
    yield answer(utimens, "f", (-5, 0), (-5, 500)), os.stat("f").st_mtime_ns
    yield answer(utimens, "f", (1 << 33, 7), (1 << 33, 7)), os.stat("f").st_mtime_ns
    yield answer(utimens, "d", (1, 1), (1, 1)), os.stat("d").st_mtime_ns
    yield answer(utimens, "s", (5, 5), (5, 5), 0x100), os.lstat("s").st_mtime_ns, os.stat("f").st_mtime_ns
    yield opened("f", then=lambda f: (answer(os.utime, f, ns=(9, 9)), os.stat("f").st_mtime_ns))
    yield opened("f", os.O_WRONLY, then=lambda f: (os.write(f, b"y"), answer(os.utime, f, ns=(9, 9)))), os.stat("f").st_mtime_ns

@case
def parents_times():
    make("old")
    yield answer(moved, ["."], lambda: make("f") and None)
    yield answer(moved, ["."], lambda: os.mkdir("d"))
    yield answer(moved, [".", "d"], lambda: os.mkdir("d/e"))
    yield answer(moved, [".", "d"], lambda: os.rmdir("d/e"))
    yield answer(moved, ["."], lambda: os.rmdir("d"))
    yield answer(moved, [".", "old"], lambda: os.setxattr("old", "user.a", b"x"))
    yield answer(moved, [".", "old"], lambda: os.removexattr("old", "user.a"))
    yield answer(moved, ["."], lambda: opened("old", os.O_WRONLY | os.O_CREAT))
    yield answer(moved, ["."], lambda: os.mknod("n", 0o644 | stat.S_IFREG))

@case
def extended_attributes():
    make("f"); os.mkdir("d"); os.symlink("f", "s")
    CREATE, REPLACE = 1, 2
    yield answer(os.getxattr, "f", "user.a"), answer(os.removexattr, "f", "user.a"), answer(os.setxattr, "f", "user.a", b"1", REPLACE)
    yield answer(os.setxattr, "f", "user.a", b"1", CREATE), answer(os.setxattr, "f", "user.a", b"2", CREATE), answer(os.setxattr, "f", "user.a", b"22", REPLACE)
    yield answer(os.getxattr, "f", "user.a"), [n for n in os.listxattr("f") if n == "user.a"], answer(os.removexattr, "f", "user.a")
    yield answer(os.setxattr, "f", "user." + "n" * 250, b"1"), answer(os.setxattr, "f", "user." + "n" * 251, b"1"), answer(os.setxattr, "f", "user.big", b"x" * 65537)
    yield answer(os.setxattr, "f", "user.empty", b""), answer(os.getxattr, "f", "user.empty"), answer(os.setxattr, "f", "user.", b"x"), answer(os.setxattr, "f", "plain", b"x")
    yield answer(os.setxattr, "d", "user.d", b"1"), answer(os.getxattr, "d", "user.d"), answer(os.getxattr, "none", "user.a")
    buffer = ctypes.create_string_buffer(1)
    os.setxattr("f", "user.two", b"22")
    yield answer(raw, "getxattr", "f", "user.two", buffer, 1), raw("getxattr", "f", "user.two", None, 0), answer(raw, "listxattr", "f", buffer, 1)

# The whole

@case
def listing():
    names = ["n%03d" % n for n in range(300)]
    for name in names: make(name)
    yield sorted(os.listdir(".")) == names
    entries = os.scandir(".")
    first = [next(entries).name for _ in range(10)]
    for name in names[200:]: os.unlink(name)
    rest = [entry.name for entry in entries]
    yield len(set(first + rest)) == len(first + rest), set(names[:200]) <= set(first + rest)
    yield os.stat(".").st_ino == {e.name: e.inode() for e in os.scandir("..")}[os.path.basename(os.getcwd())]
    yield all(entry.inode() == os.stat(entry.name).st_ino and entry.is_file() for entry in os.scandir("."))

@case
def counted():
    os.mkdir("d"); os.mkdir("d/e"); make("f", b"x" * 10000)
    status = os.stat("f")
    yield status.st_nlink, status.st_size, status.st_blocks, os.stat("d").st_nlink, status.st_dev == os.stat(".").st_dev
    truncated = make("sparse")
    os.truncate(truncated, 1 << 20)
    yield os.stat("sparse").st_blocks
    opened("sparse", os.O_WRONLY, then=lambda f: os.pwrite(f, b"x" * 4096, 1 << 19))
    yield os.stat("sparse").st_blocks
    yield os.statvfs(".").f_namemax, os.pathconf(".", "PC_NAME_MAX")

@case
def locks():
    make("f")
    def other(call):
        child = os.fork()
        if child == 0:
            file = os.open("f", os.O_RDWR)
            result = answer(call, file)
            os._exit({"ok": 0, "EAGAIN": 1, "EACCES": 2}.get(result, 9))
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    file = os.open("f", os.O_RDWR)
    fcntl.flock(file, fcntl.LOCK_EX)
    yield other(lambda f: fcntl.flock(f, fcntl.LOCK_SH | fcntl.LOCK_NB)), fcntl.flock(file, fcntl.LOCK_SH), other(lambda f: fcntl.flock(f, fcntl.LOCK_SH | fcntl.LOCK_NB))
    fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 10, 5)
    yield other(lambda f: fcntl.lockf(f, fcntl.LOCK_EX | fcntl.LOCK_NB, 10, 0)), other(lambda f: fcntl.lockf(f, fcntl.LOCK_EX | fcntl.LOCK_NB, 5, 0))
    os.close(file)
    yield other(lambda f: fcntl.lockf(f, fcntl.LOCK_EX | fcntl.LOCK_NB))

@case
def foreign():
    """Of what root has made there before: not ours, and we are not root."""
    theirs = os.path.join(home, "theirs")
    if not os.path.isdir(theirs): return
    os.chdir(theirs)
    for name in ["open", "closed", "sticky/f", "sticky/d"]:
        yield name, answer(os.chmod, name, 0o777), answer(os.chown, name, os.getuid(), -1), answer(utimens, name, (1, 1), (1, 1))
        yield answer(utimens, name, (0, UTIME_NOW), (0, UTIME_NOW)), answer(os.setxattr, name, "user.a", b"1"), answer(os.truncate, name, 0)
    yield answer(opened, "open", os.O_RDWR), answer(opened, "closed"), answer(opened, "closed", os.O_WRONLY)
    yield answer(os.unlink, "sticky/f"), answer(os.rename, "sticky/f", "sticky/g"), answer(os.rename, "sticky/f", home + "/g"), answer(os.rmdir, "sticky/d")
    make("sticky/own")
    yield answer(os.rename, "sticky/own", "sticky/f"), answer(os.rename, "sticky/own", "sticky/mine"), answer(os.unlink, "sticky/mine")
    yield answer(rename2, "sticky/f", "sticky/d", EXCHANGE)
    os.chdir(home)

home = os.path.abspath(sys.argv[1])
os.umask(0o022)
for function in cases:
    place = os.path.join(home, function.__name__)
    os.mkdir(place)
    os.chdir(place)
    for number, result in enumerate(function()):
        print("%s %d: %s" % (function.__name__, number, result))
    os.chdir(home)
