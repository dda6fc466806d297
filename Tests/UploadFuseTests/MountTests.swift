import CLinux
import Foundation
import Glibc
import TestSupport
import Testing
import UploadCore

@testable import UploadFuse

@Suite("A real mount", .serialized, .timeLimit(.minutes(1)))
struct MountTests {
    private static func random(_ count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<count / 8).flatMap { _ in withUnsafeBytes(of: generator.next() as UInt64) { Array($0) } }
    }

    @Test("What cp brings is what is read back, and mount shows fuse.uploadfs", arguments: [false, true])
    func copy(splicesWrites: Bool) throws {
        let mount = try MountFixture(splicesWrites: splicesWrites)
        let bytes = Self.random(5 << 20)
        let source = mount.directory.file("source")
        try Data(bytes).write(to: URL(fileURLWithPath: source))
        let copied = try runProgram(["cp", "-p", source, mount.file("copy")])
        #expect(copied.status == 0, "\(copied.output)")
        #expect(try runProgram(["cmp", source, mount.file("copy")]).status == 0)
        let table = try String(contentsOfFile: "/proc/self/mounts", encoding: .utf8)
        #expect(table.contains(" \(mount.path) fuse.uploadfs rw,nosuid,nodev"))
        #expect(table.contains("a,b\\134c \(mount.path)"))
        mount.mounted.unmount(grace: .seconds(5))
        #expect(mount.uploads.takeEvents().contains("closed 1 \(bytes.count)"))
        #expect(mount.hasEnded())
        #expect(!mount.isMounted)
    }

    @Test("A tree copied with cp -a, tar and mv keeps its files, modes and times")
    func tree() throws {
        let mount = try MountFixture()
        let source = mount.directory.file("tree")
        let script = """
            set -e
            mkdir -p '\(source)/a/b' && cd '\(source)'
            for i in $(seq 100); do echo $i > a/b/file$i; done
            touch -d '2001-02-03 04:05:06.789' a/b/file1; chmod 640 a/b/file2
            cp -a '\(source)' '\(mount.path)/copy'
            diff -r '\(source)' '\(mount.path)/copy'
            tar -C '\(source)' -cf - . | (mkdir '\(mount.path)/tar' && tar -C '\(mount.path)/tar' -xf -)
            diff -r '\(source)' '\(mount.path)/tar'
            mv '\(mount.path)/tar' '\(mount.path)/moved'
            test "$(stat -c %y '\(mount.path)/copy/a/b/file1')" = "$(stat -c %y a/b/file1)"
            test "$(stat -c %a '\(mount.path)/moved/a/b/file2')" = 640
            test "$(find '\(mount.path)/moved' -type f | wc -l)" = 100
            rm -r '\(mount.path)/moved' '\(mount.path)/copy'
            test -z "$(ls -A '\(mount.path)')"
            """
        let result = try runProgram(["bash", "-c", script])
        #expect(result.status == 0, "\(result.output)")
    }

    @Test("Offsets beyond 4 GiB, holes and appends read as they were written")
    func offsets() throws {
        let mount = try MountFixture()
        let descriptor = open(mount.file("big"), O_RDWR | O_CREAT, 0o644)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        let far = 5 << 30
        #expect(pwrite(descriptor, "end", 3, far) == 3)
        var buffer = [UInt8](repeating: 1, count: 8)
        #expect(pread(descriptor, &buffer, 8, far - 5) == 8)
        #expect(buffer == [0, 0, 0, 0, 0] + Array("end".utf8))
        #expect(lseek(descriptor, 0, SEEK_END) == far + 3)
        #expect(ftruncate(descriptor, 10) == 0)
        #expect(lseek(descriptor, 0, SEEK_END) == 10)
        #expect(fsync(descriptor) == 0)
    }

    @Test("Room, holes and zeros by fallocate(1), and what lseek(2) finds of them")
    func extents() throws {
        let mount = try MountFixture()
        let script = """
            set -e; cd \(mount.path); yes 2>/dev/null | head -c 64K > a
            fallocate -p -o 16K -l 16K a; fallocate -z -o 40K -l 4K a; fallocate -l 128K a; fallocate -n -l 1M a
            python3 - <<'END'
            import os
            f = os.open("a", os.O_RDONLY)
            print(os.fstat(f).st_size, os.lseek(f, 0, os.SEEK_HOLE), os.lseek(f, 16384, os.SEEK_DATA))
            END
            cmp -n 16K a <(yes 2>/dev/null | head -c 16K); cmp -n 16K -i 16K:0 a /dev/zero; cmp -n 4K -i 40K:0 a /dev/zero
            cmp -n 64K -i 64K:0 a /dev/zero; cp --sparse=always a b; cmp a b
            """
        let result = try runProgram(["bash", "-c", script])
        #expect(result.status == 0)
        #expect(result.output == "131072 16384 32768\n")
    }

    @Test("An open-unlinked file works until it is closed")
    func openUnlinked() throws {
        let mount = try MountFixture()
        let descriptor = open(mount.file("a"), O_RDWR | O_CREAT, 0o644)
        #expect(write(descriptor, "one", 3) == 3)
        #expect(unlink(mount.file("a")) == 0)
        #expect(write(descriptor, "two", 3) == 3)
        var buffer = [UInt8](repeating: 0, count: 6)
        #expect(pread(descriptor, &buffer, 6, 0) == 6)
        #expect(buffer == Array("onetwo".utf8))
        #expect(close(descriptor) == 0)
        #expect(open(mount.file("a"), O_RDONLY) == -1)
    }

    @Test("Symbolic links lead where they say, are told apart by lstat(2), and are renamed and removed as names")
    func links() throws {
        let mount = try MountFixture()
        let script = """
            set -e; cd \(mount.path); mkdir d; echo text > d/a; ln -s a d/link; ln -s d/link second; ln -s none gone
            cat second; readlink d/link gone; test ! -e gone; test -h gone; stat -c '%F %s %h' gone
            echo more >> second; cat d/a; mv gone d/; mv -T second d/second; rm d/gone; readlink d/second; ls -A d
            ln -s x d/link 2>/dev/null || echo exists; ln -sf ../d/a d/link; cat d/link; rm -r d; ls -A
            """
        let result = try runProgram(["bash", "-c", script])
        #expect(result.status == 0)
        #expect(
            result.output
                == "text\na\nnone\nsymbolic link 4 1\ntext\nmore\nd/link\na\nlink\nsecond\nexists\ntext\nmore\n")
    }

    @Test("What is not offered has the right errno")
    func refusals() throws {
        let mount = try MountFixture()
        let failure = { (result: Int32) in result == 0 ? 0 : errno }
        let file = mount.file("a")
        close(open(file, O_WRONLY | O_CREAT, 0o644))
        #expect(failure(link(mount.file(".uploadfs/status"), mount.file("link"))) == EPERM)
        #expect(failure(mkfifo(mount.file("pipe"), 0o600)) == EPERM)
        #expect(failure(mkdir(mount.file(String(repeating: "x", count: 256)), 0o700)) == ENAMETOOLONG)
        #expect(failure(mkdir(mount.file(String(repeating: "x", count: 255)), 0o700)) == 0)
        #expect(failure(mkdir(mount.file(".uploadfs"), 0o700)) == EEXIST)
        #expect(failure(mkdir(mount.file(".uploadfs/x"), 0o700)) == EPERM)
        #expect(failure(rmdir(file)) == ENOTDIR)
        let descriptor = open(file, O_RDWR)
        defer { close(descriptor) }
        #expect(try runProgram(["fallocate", "--collapse-range", "-l", "4096", file]).output.contains("not supported"))
        #expect(flock(descriptor, LOCK_EX) == 0)
        var raw: [CChar] = Array(mount.path.utf8CString.dropLast()) + [0x2f, -1, -2, 0]
        #expect(failure(mkdir(&raw, 0o700)) == EILSEQ)
        #expect(failure(access(&raw, F_OK)) == ENOENT)
    }

    @Test("Extended attributes go through the kernel")
    func extendedAttributes() throws {
        let mount = try MountFixture()
        let descriptor = open(mount.file("a"), O_WRONLY | O_CREAT, 0o644)
        defer { close(descriptor) }
        #expect(fsetxattr(descriptor, "user.x", "value", 5, 0) == 0)
        var buffer = [CChar](repeating: 0, count: 100)
        #expect(fgetxattr(descriptor, "user.x", nil, 0) == 5)
        #expect(fgetxattr(descriptor, "user.x", &buffer, 2) == -1)
        #expect(errno == ERANGE)
        #expect(fgetxattr(descriptor, "user.x", &buffer, 100) == 5)
        #expect(fgetxattr(descriptor, "system.posix_acl_access", &buffer, 100) == -1)
        #expect(errno == EOPNOTSUPP)
        #expect(fsetxattr(descriptor, "trusted.x", "v", 1, 0) == -1)
        #expect(errno == EOPNOTSUPP)
        #expect(fsetxattr(descriptor, "user.uploadfs.phase", "v", 1, 0) == 0)
        #expect(fgetxattr(descriptor, "user.uploadfs.phase", &buffer, 100) != 1)
    }

    @Test("Sixteen threads make, write, rename and read a thousand files")
    func threads() throws {
        let mount = try MountFixture()
        DispatchQueue.concurrentPerform(iterations: 16) { thread in
            for number in 0..<64 {
                let part = mount.file("t\(thread)-\(number).part")
                let descriptor = open(part, O_WRONLY | O_CREAT | O_EXCL, 0o644)
                let text = Array("content \(thread) \(number)".utf8)
                _ = write(descriptor, text, text.count)
                close(descriptor)
                _ = rename(part, mount.file("t\(thread)-\(number)"))
            }
        }
        let names = try FileManager.default.contentsOfDirectory(atPath: mount.path)
        #expect(names.count == 1024)
        for name in names {
            let words = name.dropFirst().split(separator: "-")
            #expect(try String(contentsOfFile: mount.file(name), encoding: .utf8) == "content \(words[0]) \(words[1])")
        }
    }

    @Test("df tells of the disk below the spool, and names have 255 bytes")
    func capacity() throws {
        let mount = try MountFixture()
        var below = statvfs()
        var here = statvfs()
        #expect(statvfs(mount.directory.path, &below) == 0)
        #expect(statvfs(mount.path, &here) == 0)
        #expect(here.f_blocks == below.f_blocks)
        #expect(here.f_namemax == 255)
    }

    @Test("The status files are read with cat, and a wait ends with the URL")
    func statusFiles() throws {
        let mount = try MountFixture()
        try "text".write(toFile: mount.file("a.txt"), atomically: false, encoding: .utf8)
        mount.uploads.set(try .sample(2, .uploading))
        #expect(try runProgram(["cat", mount.file(".uploadfs/status")]).status == 0)
        let line = try runProgram(["cat", mount.file(".uploadfs/progress/a.txt")])
        #expect(line.output == ProgressLine.render(try .sample(2, .uploading)))
        #expect(try runProgram(["ls", mount.file(".uploadfs/wait")]).output == "a.txt\n")

        let waiting = Task.detached { try runProgram(["cat", mount.file(".uploadfs/wait/a.txt")]) }
        try #require(mount.uploads.waits(for: 1))
        mount.uploads.set(try .sample(2, .done, url: "http://x/a.txt"))
        let semaphore = DispatchSemaphore(value: 0)
        let output = Output()
        Task.detached {
            output.set((try? await waiting.value)?.output)
            semaphore.signal()
        }
        #expect(semaphore.wait(timeout: .now() + 20) == .success)
        #expect(output.value == "http://x/a.txt\n")
    }

    private final class Output: @unchecked Sendable {
        private let lock = NSLock()
        private var text: String?
        func set(_ text: String?) { lock.withLock { self.text = text } }
        var value: String? { lock.withLock { text } }
    }

    @Test("A signal interrupts a wait")
    func interruptedWait() throws {
        let mount = try MountFixture()
        close(open(mount.file("a.txt"), O_WRONLY | O_CREAT, 0o644))
        mount.uploads.set(try .sample(2, .uploading))
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/cat")
        process.arguments = [mount.file(".uploadfs/wait/a.txt")]
        try process.run()
        try #require(mount.uploads.waits(for: 1))
        // A program started from a worker thread has SIGINT blocked; this one can't be blocked, and takes
        // the same way: the kernel asks to be interrupted, and lets nobody die before the answer.
        #expect(kill(process.processIdentifier, SIGKILL) == 0)
        process.waitUntilExit()
        #expect(process.terminationReason == .uncaughtSignal)
        #expect(mount.uploads.waits(for: 0))
        // A late answer finds nobody, and hurts nobody.
        mount.uploads.set(try .sample(2, .done, url: "http://x/a.txt"))
    }

    @Test("Unmounting ends a wait, and cuts off who keeps files open beyond the grace")
    func unmountWithOpenFiles() throws {
        let mount = try MountFixture()
        let descriptor = open(mount.file("a.txt"), O_WRONLY | O_CREAT, 0o644)
        defer { close(descriptor) }
        mount.uploads.set(try .sample(2, .uploading))
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/cat")
        process.arguments = [mount.file(".uploadfs/wait/a.txt")]
        process.standardError = Pipe()
        try process.run()
        try #require(mount.uploads.waits(for: 1))
        mount.mounted.unmount(grace: .milliseconds(200))
        #expect(mount.hasEnded())
        process.waitUntilExit()
        #expect(process.terminationStatus == 1)
        #expect(!mount.isMounted)
        #expect(write(descriptor, "x", 1) == -1)
        // Twice is no error.
        mount.mounted.unmount(grace: .milliseconds(200))
    }

    @Test("umount from outside ends the loop")
    func unmountOutside() throws {
        let mount = try MountFixture()
        #expect(try runProgram(["fusermount3", "-u", mount.path]).status == 0)
        #expect(mount.hasEnded())
    }

    @Test("A mountpoint that can't be one is refused, and says why")
    func badMountpoints() throws {
        let mount = try MountFixture()
        let file = mount.directory.file("file")
        close(open(file, O_WRONLY | O_CREAT, 0o644))
        let missing = mount.directory.file("missing")
        #expect(throws: MountError.mountpointMissing(missing)) { try MountpointCheck.check(missing) }
        #expect(throws: MountError.notADirectory(file)) { try MountpointCheck.check(file) }
        #expect(throws: MountError.notADirectory(file + "/x")) { try MountpointCheck.check(file + "/x") }
        #expect(throws: MountError.alreadyMounted(mount.path, isAlive: true)) { try MountpointCheck.check(mount.path) }
    }
}
