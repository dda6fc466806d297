/// Programs that write into a mount and note what they were promised: a line for each operation before it
/// begins, and one when its close, rename or fsync has returned. In Python, so that no code of ours is in them.
enum CrashWriters {
    /// `python3 -c … write DIRECTORY MANIFEST SEED`, and `… check RECEIVED MOUNTED MANIFEST`.
    static let script = #"""
        import hashlib, json, os, random, sys, threading

        def sha(content): return hashlib.sha256(content).hexdigest()

        class Writer(threading.Thread):
            """Files of its own, one operation after the other, until the mount dies."""
            def __init__(self, directory, manifest, seed, number):
                super().__init__()
                self.directory, self.manifest = directory, manifest
                self.random = random.Random(seed * 31 + number)
                self.prefix = "w%d" % number
                self.films = int(seed % 3 == 0)
                self.files = {}

            def note(self, kind, name, content):
                line = json.dumps({"kind": kind, "name": name, "sha": sha(content), "size": len(content)})
                os.write(self.manifest, (line + "\n").encode())

            def path(self, name): return os.path.join(self.directory, name)

            def bytes(self):
                size = self.random.choice([0, 1, 4096, 70000, 1 << 20, (1 << 20) + 1, 2500000])
                return self.random.randbytes(size)

            def fresh(self):
                return "%s-%d" % (self.prefix, len(self.files) + self.random.randrange(1000000))

            def known(self):
                return self.random.choice(sorted(self.files)) if self.files else None

            def copy(self):
                """As cp: a new file, front to back."""
                name, content = self.fresh(), self.bytes()
                self.note("begin", name, content)
                with open(self.path(name), "wb", buffering=0) as file:
                    self.write_all(file, content)
                self.done(name, content)

            def write_all(self, file, content):
                at = 0
                while at < len(content):
                    step = self.random.choice([4096, 65536, 262144])
                    file.write(content[at:at + step])
                    at += step

            def done(self, name, content):
                self.files[name] = content
                self.note("ack", name, content)

            def scattered(self):
                """In any order, and some places twice."""
                name, content = self.fresh(), self.bytes()
                self.note("begin", name, content)
                file = os.open(self.path(name), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
                places = list(range(0, len(content), 50000))
                self.random.shuffle(places)
                for place in places[:2]: os.pwrite(file, b"x" * min(1000, len(content) - place), place)
                for place in places: os.pwrite(file, content[place:place + 50000], place)
                os.close(file)
                self.done(name, content)

            def append(self):
                """As a log: opened, grown and closed again."""
                name = self.known()
                if name is None: return self.copy()
                content = self.files[name] + self.random.randbytes(self.random.choice([1, 5000, 300000]))
                self.note("begin", name, content)
                file = os.open(self.path(name), os.O_WRONLY | os.O_APPEND)
                for at in range(len(self.files[name]), len(content), 20000): os.write(file, content[at:at + 20000])
                os.close(file)
                self.done(name, content)

            def patch(self):
                """In place, somewhere."""
                name = self.known()
                if name is None or not self.files[name]: return self.copy()
                content = bytearray(self.files[name])
                file = os.open(self.path(name), os.O_RDWR)
                patches = []
                for _ in range(3):
                    at = self.random.randrange(len(content))
                    piece = self.random.randbytes(self.random.choice([1, 5000]))[:len(content) - at]
                    content[at:at + len(piece)] = piece
                    patches.append((at, piece))
                self.note("begin", name, bytes(content))
                for at, piece in patches: os.pwrite(file, piece, at)
                os.close(file)
                self.done(name, bytes(content))

            def replace(self):
                """Cut to nothing and written anew."""
                name, content = self.known(), self.bytes()
                if name is None: return self.copy()
                self.note("begin", name, content)
                with open(self.path(name), "wb", buffering=0) as file: self.write_all(file, content)
                self.done(name, content)

            def publish(self):
                """As a browser: under a temporary name, then renamed."""
                name, content = self.fresh(), self.bytes()
                self.note("begin", name, content)
                with open(self.path(name + ".part"), "wb", buffering=0) as file: self.write_all(file, content)
                os.rename(self.path(name + ".part"), self.path(name))
                self.done(name, content)

            def remove(self):
                """Written, and taken away before it can be published, if it can."""
                name, content = self.fresh(), self.bytes()
                self.note("begin", name, content)
                with open(self.path(name), "wb", buffering=0) as file: self.write_all(file, content)
                try:
                    os.unlink(self.path(name))
                except (PermissionError, OSError) as error:
                    if error.errno not in (1, 16): raise
                    return self.done(name, content)
                self.note("gone", name, b"")

            def synced(self):
                """A recorder: fsync now and then, and no close for a while."""
                name, content = self.fresh(), self.random.randbytes(400000)
                self.note("begin", name, content)
                with open(self.path(name), "wb", buffering=0) as file:
                    for at in range(0, len(content), 100000):
                        file.write(content[at:at + 100000])
                        os.fsync(file.fileno())
                        self.note("fsync", name, content[:at + 100000])
                self.done(name, content)

            def over(self):
                """As an editor or rsync: a new file is renamed over one that was there."""
                name, content = self.known(), self.bytes()
                if name is None: return self.copy()
                self.note("begin", name, content)
                with open(self.path(name + ".part"), "wb", buffering=0) as file: self.write_all(file, content)
                os.rename(self.path(name + ".part"), self.path(name))
                self.done(name, content)

            def again(self):
                """Taken away, and made anew under the same name."""
                name, first, content = self.fresh(), self.bytes(), self.bytes()
                self.note("begin", name, first)
                with open(self.path(name), "wb", buffering=0) as file: self.write_all(file, first)
                try:
                    os.unlink(self.path(name))
                except OSError as error:
                    if error.errno not in (1, 16): raise
                    return self.done(name, first)
                self.note("gone", name, b"")
                self.note("begin", name, content)
                with open(self.path(name), "wb", buffering=0) as file: self.write_all(file, content)
                self.done(name, content)

            def moved(self):
                """Closed, and renamed at once, if it is not published yet."""
                name, new, content = self.fresh(), self.fresh() + "m", self.bytes()
                self.note("begin", name, content)
                with open(self.path(name), "wb", buffering=0) as file: self.write_all(file, content)
                self.note("begin", new, content)
                try:
                    os.rename(self.path(name), self.path(new))
                except OSError as error:
                    if error.errno not in (16, 18): raise
                    self.note("gone", new, b"")
                    return self.done(name, content)
                self.note("gone", name, b"")
                self.done(new, content)

            def torn(self):
                """A writer of its own that dies by a signal in the middle: not to be published."""
                name, content = self.fresh(), self.bytes()
                self.note("gone", name, b"")
                child = os.fork()
                if child == 0:
                    try:
                        file = os.open(self.path(name), os.O_WRONLY | os.O_CREAT, 0o644)
                        os.write(file, content[:len(content) // 2 + 1] or b"x")
                    finally:
                        os.kill(os.getpid(), 9)
                os.waitpid(child, 0)

            def twice(self):
                """Two descriptors, in turns; the first one is closed before the other has written its last."""
                name, content = self.fresh(), self.bytes()
                self.note("begin", name, content)
                first = os.open(self.path(name), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
                second = os.open(self.path(name), os.O_WRONLY)
                if self.random.randrange(2):
                    # A child closes the copies that it was born with.
                    child = os.fork()
                    if child == 0: os._exit(0)
                    os.waitpid(child, 0)
                for number, at in enumerate(range(0, len(content), 60000)):
                    last = at + 60000 >= len(content)
                    if last: os.close(first)
                    os.pwrite(second if last or number % 2 else first, content[at:at + 60000], at)
                if not content: os.close(first)
                os.close(second)
                self.done(name, content)

            def linked(self):
                """As a mail server: linked into place, and the temporary name taken away."""
                name, content = self.fresh(), self.bytes()
                self.note("begin", name, content)
                with open(self.path(name + ".part"), "wb", buffering=0) as file: self.write_all(file, content)
                os.link(self.path(name + ".part"), self.path(name))
                self.note("ack", name, content)
                try:
                    os.unlink(self.path(name + ".part"))
                except OSError as error:
                    if error.errno != 16: raise  # Just being published under the other name.

            def named(self):
                """Two names, and a change through the further one: each is promised both times."""
                name, content = self.fresh(), self.bytes()
                other, grown = name + "l", content + self.random.randbytes(5000)
                self.note("begin", name, content)
                with open(self.path(name), "wb", buffering=0) as file: self.write_all(file, content)
                self.note("ack", name, content)
                self.note("begin", other, content)
                try:
                    os.link(self.path(name), self.path(other))
                except PermissionError:
                    return self.note("gone", other, b"")  # It has left the spool already.
                self.note("ack", other, content)
                for each in (name, other): self.note("begin", each, grown)
                with open(self.path(other), "ab", buffering=0) as file: file.write(grown[len(content):])
                for each in (name, other): self.note("ack", each, grown)

            def film(self):
                """A stream bigger than what the quota leaves; at its end the head is written again."""
                name, content = self.fresh(), bytearray(self.random.randbytes(9 << 20))
                head = self.random.randbytes(70000)
                whole = head + bytes(content[70000:])
                self.note("begin", name, whole)
                with open(self.path(name), "wb", buffering=0) as file:
                    self.write_all(file, bytes(content))
                    os.pwrite(file.fileno(), head, 0)
                self.done(name, whole)

            def run(self):
                try:
                    for _ in range(12):
                        self.random.choice([
                            self.copy, self.copy, self.scattered, self.append, self.patch, self.replace, self.publish,
                            self.remove, self.synced, self.over, self.again, self.moved, self.torn, self.twice,
                            self.linked, self.named]
                            + [self.film] * self.films)()
                except OSError:
                    pass  # The mount died. What was promised until then is noted.

        def write(directory, manifest, seed):
            try:
                os.makedirs(directory, exist_ok=True)
            except OSError:
                return print("writing", flush=True)
            log = os.open(manifest, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            writers = [Writer(directory, log, int(seed), number) for number in range(4)]
            print("writing", flush=True)
            for writer in writers: writer.start()
            for writer in writers: writer.join()

        def check(received, mounted, manifest):
            wanted, maybe, synced = {}, {}, {}
            for line in open(manifest) if os.path.exists(manifest) else []:
                entry = json.loads(line)
                name = entry["name"]
                if entry["kind"] == "begin": maybe[name] = entry
                if entry["kind"] == "gone": maybe.pop(name, None)
                if entry["kind"] == "fsync": synced[name] = entry
                if entry["kind"] == "ack":
                    wanted[name] = entry
                    maybe.pop(name, None)
                    synced.pop(name, None)
            there = set(os.listdir(received)) if os.path.isdir(received) else set()
            problems = []
            for name, entry in wanted.items():
                good = {entry["sha"]} | ({maybe[name]["sha"]} if name in maybe else set())
                if name not in there: problems.append("lost: %s %s" % (name, entry)); continue
                if sha(open(os.path.join(received, name), "rb").read()) not in good:
                    problems.append("wrong: %s %s %d" % (name, entry, os.path.getsize(os.path.join(received, name))))
            for name in there - set(wanted):
                if name not in maybe: problems.append("uninvited: " + name); continue
                if sha(open(os.path.join(received, name), "rb").read()) != maybe[name]["sha"]:
                    problems.append("torn: %s %s" % (name, maybe[name]))
            for name, entry in synced.items():
                if name in there: continue
                try:
                    kept = open(os.path.join(mounted, name), "rb").read(entry["size"])
                except OSError as error:
                    problems.append("synced, and gone: %s %s" % (name, error)); continue
                if sha(kept) != entry["sha"]: problems.append("synced, and not kept: " + name)
            for problem in problems: print(problem)
            print("checked %d promises, %d open" % (len(wanted), len(maybe)))
            sys.exit(1 if problems else 0)

        {"write": write, "check": check}[sys.argv[1]](*sys.argv[2:])
        """#
}
