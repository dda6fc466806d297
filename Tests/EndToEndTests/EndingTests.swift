import Foundation
import Glibc
import TestSupport
import Testing

extension EndToEnd {
    /// Mounting, unmounting, and what goes on afterwards.
    @Suite struct EndingTests {
        @Test(
            "Ctrl-C and SIGTERM unmount within 5 s, in mid-upload; the next mount goes on where it was",
            .timeLimit(.minutes(3)), arguments: [SIGINT, SIGTERM])
        func signals(number: Int32) throws {
            let scene = try Scene()
            try scene.randomFile("film", mebibytes: 40)
            let server = try scene.server()
            let proxy = try FaultProxy(upstreamPort: server.port)
            defer { proxy.stop() }
            proxy.setRate(bytesPerSecond: 10_000_000)
            do {
                let mount = try scene.mount(proxy.port)
                try Shell.must("cp \(scene.source)/film \(mount.path("film"))")
                try Shell.must(
                    "until grep -q '^[2-9][0-9]' \(mount.path(".uploadfs/progress/film")); do :; done", within: 30)
                mount.program.signal(number)
                #expect(mount.program.waitForEnd(within: 5) == 0, "\(mount.program.output.suffix(2000))")
                #expect(try !Shell.must("mount -t fuse.uploadfs").contains(mount.mountpoint))
            }
            let before = Set(proxy.records.filter { $0.path == "/upload/chunk" && $0.wasAcknowledged }.map(\.query))
            #expect(before.count >= 7)
            proxy.setRate(bytesPerSecond: nil)
            let mount = try scene.mount(proxy.port)
            try mount.wait(for: "film")
            try Shell.must("cmp \(scene.source)/film \(server.file("film"))")
            #expect(try Shell.must("cmp \(scene.source)/film \(mount.path("film")) && echo same") == "same\n")
            // A chunk whose acknowledgement came in the moment of the end may travel once more: three at most.
            let all = proxy.records.filter { $0.path == "/upload/chunk" && $0.wasAcknowledged }.map(\.query)
            #expect(all.count <= 40 + 3)
            #expect(Set(all).count == 40)
        }

        @Test(
            "After kill -9 nothing that close accepted is lost, and the next mount takes the dead one's place",
            .timeLimit(.minutes(3)))
        func killed() throws {
            let scene = try Scene()
            try scene.randomFile("film", mebibytes: 32)
            let server = try scene.server()
            let proxy = try FaultProxy(upstreamPort: server.port)
            defer { proxy.stop() }
            proxy.setRate(bytesPerSecond: 8_000_000)
            do {
                let mount = try scene.mount(proxy.port)
                try Shell.must("mkdir -p \(mount.path("a/b")) && cp \(scene.source)/film \(mount.path("a/b/film"))")
                try Shell.must(
                    "until grep -q '^[2-9][0-9]' \(mount.path(".uploadfs/progress/a/b/film")); do :; done", within: 30)
                #expect(mount.kill() == 128 + SIGKILL)
                proxy.setRate(bytesPerSecond: nil)
                // The dead mount is still there: "Transport endpoint is not connected".
                let next = try scene.mount(proxy.port)
                try next.wait(for: "a/b/film")
                try Shell.must("cmp \(scene.source)/film \(server.file("a/b/film"))")
                try FaultTests.expectFewTwice(proxy.records, atMost: 3)
            }
        }

        @Test("A mount that is begun while its predecessor is dying waits for its end", .timeLimit(.minutes(1)))
        func dying() throws {
            let scene = try Scene()
            let server = try scene.server()
            let mountpoint = scene.directory.file("mount")
            func mount() throws -> Program {
                try Program(
                    Binary.path,
                    [
                        "mount", "http://127.0.0.1:\(server.port)", mountpoint, "--state-dir",
                        scene.directory.file("state"),
                    ])
            }
            let first = try scene.mount(server.port)
            try Shell.must("echo kept > \(first.path("a"))")
            // Asks the first one, which does not answer, and dies while it is asked.
            first.program.signal(SIGSTOP)
            let second = try mount()
            defer {
                second.end(within: 5)
                umount2(mountpoint, Int32(MNT_DETACH))
            }
            try Shell.must("until grep -q request_wait_answer /proc/\(second.pid)/task/*/wchan; do :; done", within: 10)
            #expect(first.kill() == 128 + SIGKILL)
            _ = try second.line(with: " mounted", within: 10)
            second.signal(SIGKILL)
            #expect(second.waitForEnd(within: 5) == 128 + SIGKILL)

            let end = scene.directory.file("end")
            try Shell.must("mkfifo \(end)")
            // Its first thread has ended, another is busy for a while and keeps the lock.
            let dying = try Program(
                "/usr/bin/python3",
                [
                    "-c",
                    #"""
                    import ctypes, fcntl, os, sys, threading
                    lock = open(sys.argv[1], "r+")
                    fcntl.flock(lock, fcntl.LOCK_EX)
                    lock.truncate()
                    lock.write("%d\n" % os.getpid())
                    lock.flush()
                    def rest():
                        open(sys.argv[2]).read()
                        os._exit(0)
                    threading.Thread(target=rest).start()
                    print("ready", flush=True)
                    ctypes.CDLL(None).syscall(60, 0)
                    """#, scene.directory.file("state") + "/lock", end,
                ])
            defer { dying.end(within: 1) }
            _ = try dying.line(with: "ready")
            try Shell.must("until grep -q 'State:.Z' /proc/\(dying.pid)/status; do :; done", within: 10)
            let third = try mount()
            defer {
                third.end(within: 5)
                umount2(mountpoint, Int32(MNT_DETACH))
            }
            #expect(third.waitForEnd(within: 0.5) == nil, "\(third.output)")
            try Shell.must("echo > \(end)")
            _ = try third.line(with: " mounted", within: 10)
            #expect(try Shell.must("cat \(mountpoint)/.uploadfs/wait/a").contains("/files/a"))
        }

        @Test(
            "--background returns once the mount answers; unmount --wait once all is uploaded and the process gone",
            .timeLimit(.minutes(2)))
        func background() throws {
            let scene = try Scene()
            let mountpoint = scene.directory.file("mount")
            try Shell.must("mkdir \(mountpoint)")
            defer { _ = try? Shell.run("umount -l \(mountpoint); pkill -9 -f \(mountpoint)") }
            let (code, output) = try Binary.run(
                "mount", mountpoint, "--background", "--state-dir", scene.directory.file("state"), "--directory",
                scene.directory.file("received"))
            try #require(code == 0, "\(output)")
            try scene.randomFile("film", mebibytes: 50)
            try Shell.must("cp \(scene.source)/film \(mountpoint)/")
            let (unmounted, said) = try Binary.run("unmount", mountpoint, "--wait")
            #expect(unmounted == 0, "\(said)")
            try Shell.must("cmp \(scene.source)/film \(scene.directory.file("received"))/film")
            #expect(try Shell.run("pgrep -f \(mountpoint)").code == 1)
            #expect(try !Shell.must("mount -t fuse.uploadfs").contains(mountpoint))
        }

        @Test(
            "umount -l of a living mount: who has a file open writes it to its end, then the process ends, and all goes up",
            .timeLimit(.minutes(1)))
        func lazily() throws {
            let scene = try Scene()
            let server = try scene.server()
            let go = scene.directory.file("go")
            try Shell.must("mkfifo \(go)")
            do {
                let mount = try scene.mount(server.port)
                let holder = try Program(
                    "/bin/bash",
                    [
                        "-c",
                        "exec 5> \(mount.path("a")); echo one >&5; echo ready; read < \(go); echo two >&5; exec 5>&-",
                    ])
                defer { holder.end(within: 2) }
                _ = try holder.line(with: "ready")
                try Shell.must("umount -l \(mount.mountpoint)")
                #expect(mount.program.waitForEnd(within: 0.5) == nil, "somebody writes still")
                try Shell.must("echo go > \(go)")
                #expect(mount.program.waitForEnd(within: 10) == 0, "\(mount.program.output.suffix(2000))")
            }
            let again = try scene.mount(server.port)
            try again.wait(for: "a")
            #expect(try Shell.must("cat \(server.file("a"))") == "one\ntwo\n")
        }

        @Test("What libfuse says on threads that it cancels can't keep stderr locked: perror(3) is our own")
        func cancelledThreads() throws {
            try Shell.must("nm -D --defined-only \(Binary.path) | grep -q ' T perror$'")
        }

        @Test("Unmounting with a program still in it is refused, and told; the mount goes on", .timeLimit(.minutes(1)))
        func busy() throws {
            let scene = try Scene()
            let mount = try scene.mount(nil)
            try Shell.must("cd \(mount.mountpoint) && \(Binary.path) unmount \(mount.mountpoint); test $? = 1")
            try Shell.must("echo still > \(mount.path("still"))")
            try mount.wait(for: "still")
        }

        @Test(
            "Though a call hangs in the spool's disk, SIGTERM ends it in 5 s; what was closed goes up after that",
            .timeLimit(.minutes(1)))
        func hanging() throws {
            let scene = try Scene()
            do {
                let mount = try scene.mount(
                    nil, ["--settling-time", "1h"], environment: ["UPLOADFS_CRASH_POINT": "spool.before:2:hang"])
                let writer = try Program(
                    "/bin/bash", ["-c", "cd \(mount.mountpoint); echo one > one; echo two > two"])
                defer { writer.end(within: 5) }
                #expect(writer.waitForEnd(within: 1) == nil)
                mount.program.signal(SIGTERM)
                #expect(mount.program.waitForEnd(within: 7) == 1)
                #expect(mount.program.output.contains("Something hangs"), "\(mount.program.output.suffix(2000))")
            }
            let next = try scene.mount(nil)
            try next.wait(for: "one")
            #expect(try Shell.must("cat \(scene.directory.file("received"))/one") == "one\n")
        }

        @Test(
            "With a log that nobody reads all goes on: uploads, refusals, and the end within 5 s",
            .timeLimit(.minutes(1)))
        func unreadLog() throws {
            let scene = try Scene()
            mkdir(scene.directory.file("mount"), 0o700)
            let server = try scene.server()
            // A pipe of one page, whose reader sleeps.
            let script = """
                import fcntl, os, subprocess, sys, time
                reader, writer = os.pipe()
                fcntl.fcntl(writer, 1031, 4096)
                mount = subprocess.Popen(sys.argv[2:], stderr=writer)
                place = sys.argv[1]
                while not os.path.ismount(place): time.sleep(0.01)
                for number in range(200): open("%s/f%d" % (place, number), "w").write("x")
                for number in range(200): open("%s/.uploadfs/wait/f%d" % (place, number)).read()
                try:
                    os.unlink(place + "/f0")
                    sys.exit("removed")
                except PermissionError: pass
                began = time.monotonic()
                mount.terminate()
                mount.wait()
                print("ended after %.1f s with %d" % (time.monotonic() - began, mount.returncode))
                sys.exit(0 if time.monotonic() - began < 6 else "too late")
                """
            let program = try Program(
                "python3",
                [
                    "-c", script, scene.directory.file("mount"), Binary.path, "mount",
                    "http://127.0.0.1:\(server.port)", scene.directory.file("mount"), "--state-dir",
                    scene.directory.file("state"), "--settling-time", "10ms",
                ])
            let code = program.waitForEnd(within: 40)
            if code != 0 { _ = try Shell.run("pkill -9 -f \(scene.directory.file("state"))") }
            umount2(scene.directory.file("mount"), Int32(MNT_DETACH))
            program.end(within: 2)
            #expect(code == 0, "\(program.output)")
        }

        @Test("SIGTERM with files open ends within 5 s all the same", .timeLimit(.minutes(1)))
        func openFiles() throws {
            let scene = try Scene()
            let mount = try scene.mount(nil)
            let holder = try Program(
                "/bin/bash", ["-c", "exec 5> \(mount.path("open")); echo begun >&5; echo ready; sleep 60"])
            defer { holder.end(within: 2) }
            _ = try holder.line(with: "ready")
            mount.program.signal(SIGTERM)
            #expect(mount.program.waitForEnd(within: 5) == 0, "\(mount.program.output.suffix(2000))")
        }
    }
}

extension EndToEnd.FaultTests {
    /// After a crash those chunks that were under way may travel once more.
    static func expectFewTwice(_ records: [ProxyRecord], atMost limit: Int) throws {
        let acknowledged = records.filter { $0.path == "/upload/chunk" && $0.wasAcknowledged }.map(\.query)
        #expect(acknowledged.count - Set(acknowledged).count <= limit)
        try #require(!acknowledged.isEmpty)
    }
}
