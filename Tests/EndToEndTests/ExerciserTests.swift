import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// One file, changed and read in every way there is, thousands of times, with what it must be kept beside it in
    /// memory; as fsx(8) of the BSDs and fio(1) do it.
    @Suite struct ExerciserTests {
        /// `python3 exerciser.py FILE OPERATIONS SEED KEPT`: what was read and is not what was written is told with the
        /// operations before it. What the file must be in the end is put into KEPT.
        private static let exerciser = #"""
            import ctypes, mmap, os, random, sys

            LIMIT = 1 << 18
            KEEP_SIZE, PUNCH_HOLE, ZERO_RANGE = 1, 2, 16
            libc = ctypes.CDLL(None, use_errno=True)
            libc.fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64]

            class Exerciser:
                def __init__(self, path, seed):
                    self.path, self.random = path, random.Random(seed)
                    self.file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
                    self.model, self.log = bytearray(), []

                def range(self, limit=LIMIT):
                    """Often at or near a page's edge, where mistakes are made."""
                    at = self.random.randrange(limit)
                    if self.random.random() < 0.3: at = at // 4096 * 4096
                    count = self.random.choice([1, 100, 4096, 5000, 20000, 65536])
                    return at, min(self.random.randint(1, count), limit - at)

                def grow(self, size):
                    if size > len(self.model): self.model.extend(bytes(size - len(self.model)))

                def same(self, got, at, count, what):
                    wanted = self.model[at:at + count]
                    if got == wanted: return
                    where = next((n for n, (a, b) in enumerate(zip(got, wanted)) if a != b), min(len(got), len(wanted)))
                    raise SystemExit("%s: %d bytes at %d differ from byte %d on (%d there)\n%s" % (
                        what, count, at, at + where, len(got), "\n".join(map(str, self.log[-60:]))))

                def write(self):
                    at, count = self.range()
                    data = self.random.randbytes(count)
                    assert os.pwrite(self.file, data, at) == count
                    self.grow(at + count)
                    self.model[at:at + count] = data
                    return at, count

                def append(self):
                    count = min(self.random.randint(1, 9000), LIMIT - len(self.model))
                    if count <= 0: return
                    data = self.random.randbytes(count)
                    other = os.open(self.path, os.O_WRONLY | os.O_APPEND)
                    assert os.write(other, data) == count
                    os.close(other)
                    self.model += data
                    return count

                def read(self):
                    at, count = self.range()
                    self.same(os.pread(self.file, count, at), at, count, "read")
                    return at, count

                def mapped(self, writes):
                    if not self.model: return
                    at, count = self.range(len(self.model))
                    start = at // 4096 * 4096
                    with mmap.mmap(self.file, at + count - start, offset=start) as view:
                        if writes:
                            data = self.random.randbytes(count)
                            view[at - start:] = data
                            self.model[at:at + count] = data
                            if self.random.random() < 0.5: view.flush()
                        else:
                            self.same(view[at - start:], at, count, "mapped read")
                    return at, count

                def map_read(self): return self.mapped(False)
                def map_write(self): return self.mapped(True)

                def truncate(self):
                    size = self.random.choice([self.random.randrange(LIMIT), len(self.model) // 2, 0])
                    if size or self.random.random() < 0.1:
                        if self.random.random() < 0.5: os.ftruncate(self.file, size)
                        else: os.truncate(self.path, size)
                        del self.model[size:]
                        self.grow(size)
                    return size

                def allocate(self, mode):
                    at, count = self.range()
                    if libc.fallocate(self.file, mode, at, count):
                        raise OSError(ctypes.get_errno(), "fallocate %d" % mode)
                    if not mode & KEEP_SIZE: self.grow(at + count)
                    if mode & (PUNCH_HOLE | ZERO_RANGE):
                        count = min(count, len(self.model) - at)
                        if count > 0: self.model[at:at + count] = bytes(count)
                    return at, count

                def punch(self): return self.allocate(PUNCH_HOLE | KEEP_SIZE)
                def zero(self): return self.allocate(ZERO_RANGE)
                def zero_kept(self): return self.allocate(ZERO_RANGE | KEEP_SIZE)
                def reserve(self): return self.allocate(0)

                def copy(self):
                    """Within the file: ranges that overlap are refused."""
                    at, count = self.range()
                    to = self.random.randrange(LIMIT - count + 1)
                    if abs(to - at) < count or at >= len(self.model): return
                    wanted = self.model[at:at + count]
                    done = 0
                    while done < len(wanted):
                        step = os.copy_file_range(self.file, self.file, len(wanted) - done, at + done, to + done)
                        assert step > 0
                        done += step
                    self.grow(to + len(wanted))
                    self.model[to:to + len(wanted)] = wanted
                    return at, to, count

                def sync(self):
                    self.random.choice([os.fsync, os.fdatasync])(self.file)

                def reopen(self):
                    os.close(self.file)
                    self.file = os.open(self.path, os.O_RDWR)

                def whole(self):
                    assert os.fstat(self.file).st_size == len(self.model), self.log[-60:]
                    self.same(os.pread(self.file, LIMIT + 1, 0), 0, LIMIT + 1, "all of it")

                def run(self, count):
                    often = [self.write, self.read, self.map_read, self.map_write] * 4
                    rare = [self.append, self.truncate, self.punch, self.zero, self.zero_kept, self.reserve, self.copy]
                    rarely = [self.sync, self.reopen]
                    choices = (often + rare * 2 + rarely)
                    for number in range(count):
                        act = self.random.choice(choices)
                        self.log.append((number, act.__name__, act()))
                        if number % 500 == 499:
                            self.whole()
                            del self.log[:-100]
                    os.close(self.file)
                    return bytes(self.model)

            path, count, seed, kept = sys.argv[1:]
            with open(kept, "wb") as plain: plain.write(Exerciser(path, int(seed)).run(int(count)))
            """#

        @Test(
            "A hundred thousand operations on one file: each read is right, and so is what arrives",
            .timeLimit(.minutes(10)))
        func operations() throws {
            let scene = try Scene()
            let server = try scene.server()
            let mount = try scene.mount(server.port, limit: 540)
            let script = scene.directory.file("exerciser.py")
            try Self.exerciser.write(toFile: script, atomically: true, encoding: .utf8)
            // Two files at once, so that one is sent while the other is changed.
            let files = [1, 2].map { (seed: $0, name: "file\($0)", kept: scene.directory.file("kept\($0)")) }
            let runs = try files.map {
                try Program("/usr/bin/env", ["python3", script, mount.path($0.name), "50000", "\($0.seed)", $0.kept])
            }
            defer { for run in runs { run.end(within: 1) } }
            for run in runs {
                let code = try #require(run.waitForEnd(within: 480), "still running")
                try #require(code == 0, "\(run.finalOutput())")
            }
            try mount.waitForAll()
            for file in files {
                let (code, output) = try Shell.run(
                    "cmp \(file.kept) \(server.file(file.name)) && cmp \(file.kept) \(mount.path(file.name))")
                #expect(code == 0, "\(output)")
            }
        }

        @Test(
            "fio's random writes by four jobs are verified, and arrive", .timeLimit(.minutes(5)),
            arguments: [0, 1])
        func fio(direct: Int) throws {
            let scene = try Scene()
            let server = try scene.server()
            let mount = try scene.mount(server.port, limit: 280)
            try Shell.must(
                """
                cd \(scene.directory.file("")) && fio --name=job --directory=\(mount.mountpoint) --numjobs=4 --size=24M \
                --rw=randwrite --bs=512-64k --direct=\(direct) --verify=crc32c --verify_fatal=1 --do_verify=1 \
                --fallocate=none --end_fsync=1 --group_reporting --minimal
                """, within: 240)
            try mount.waitForAll()
            for job in 0..<4 {
                let name = "job.\(job).0"
                try Shell.must("cmp \(mount.path(name)) \(server.file(name)) && test -s \(server.file(name))")
            }
        }
    }
}
