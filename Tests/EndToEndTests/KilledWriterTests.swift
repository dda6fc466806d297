import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// P2: what a program wrote that was killed is kept and told, and not published.
    @Suite struct KilledWriterTests {
        /// A command that writes "victim" in the mount ($M) and does not come to an end by itself; `$W` is where
        /// it tells the pid to kill.
        struct Case: Sendable, CustomTestStringConvertible {
            let name: String
            let command: String
            let signal: String
            var testDescription: String { name }
        }

        static let killed = [
            Case(name: "cp, Ctrl-C", command: "sh -c 'echo $$ > $W; exec cp $F $M/victim'", signal: "INT"),
            Case(name: "cp, kill -9", command: "cp $F $M/victim & echo $! > $W; wait $!", signal: "KILL"),
            Case(
                name: "a shell's redirection", command: "cat $F > $M/victim & echo $! > $W; wait $!", signal: "TERM"),
            Case(
                name: "a command in a shell that holds the file, and closes it afterwards",
                command: "{ sh -c 'echo $$ > $W; exec cat $F'; true; } > $M/victim", signal: "KILL"),
            Case(
                name: "the last of a pipeline",
                command: "cat $F | sh -c 'echo $$ > $W; exec cat > $M/victim'", signal: "KILL"),
            Case(
                name: "below timeout(1)",
                command: "timeout 60 sh -c 'echo $$ > $W; exec cat $F' > $M/victim", signal: "KILL"),
            Case(
                name: "a thread of several",
                command: "python3 -c '\(threaded)' $F $M/victim $W", signal: "KILL"),
            Case(
                name: "what it wrote into a shared mapping",
                command: "python3 -c '\(mapped)' $M/victim $W", signal: "KILL"),
            Case(
                name: "killed before its first byte",
                command: "sh -c 'exec 5> $M/victim; echo $$ > $W; exec cat $F'", signal: "KILL"),
        ]

        /// As linkers and databases write.
        private static let mapped = """
            import mmap,os,signal,sys
            f=os.open(sys.argv[1],os.O_RDWR|os.O_CREAT,0o644)
            os.ftruncate(f,300000)
            m=mmap.mmap(f,300000)
            m[:50000]=b"x"*50000
            open(sys.argv[2],"w").write(str(os.getpid()))
            signal.pause()
            """

        /// One thread reads, another writes, the first one waits.
        private static let threaded = """
            import os,sys,threading
            out=open(sys.argv[2],"wb",buffering=0)
            def work():
              f=open(sys.argv[1],"rb",buffering=0)
              while True:
                b=f.read(65536)
                if not b: break
                out.write(b)
            t=threading.Thread(target=work); t.start()
            open(sys.argv[3],"w").write(str(os.getpid()))
            t.join()
            """

        @Test("A writer that dies of a signal publishes nothing", .timeLimit(.minutes(1)), arguments: killed)
        func dies(_ example: Case) throws {
            let scene = try Scene()
            let mount = try scene.mount(nil)
            // A fifo that says a little and then nothing: nobody who reads it ends by himself.
            let pid = scene.directory.file("pid")
            let environment =
                "export M=\(mount.mountpoint) F=\(scene.directory.file("endless")) W=\(pid); mkfifo $F; "
                + "( { head -c 300000 /dev/urandom; exec sleep 60; } > $F & echo $! > \(pid).feeder ); "
            let writer = try Program("/bin/bash", ["-c", environment + example.command])
            defer {
                _ = try? Shell.run("kill -9 $(cat \(pid).feeder)")
                writer.end(within: 2)
            }
            let wanted = example.name.contains("before its first byte") ? 0 : 300_000
            try Shell.must(
                "until test -s \(pid) && test \"$(stat -c %s \(mount.path("victim")) 2>/dev/null)\" = \(wanted); do :; done",
                within: 20)
            try Shell.must("kill -\(example.signal) $(cat \(pid))")
            _ = writer.waitForEnd(within: 10)
            let (code, said) = try Binary.run("wait", mount.mountpoint, "victim")
            #expect(code == 1)
            #expect(said.contains("was killed by signal"), "\(said)")
            #expect(!FileManager.default.fileExists(atPath: scene.directory.file("received") + "/victim"))
            #expect(try Shell.must("stat -c %s \(mount.path("victim"))") == "\(wanted)\n")
            #expect(try Shell.must("cat \(mount.path(".uploadfs/status"))").contains("interrupted"))
            // Written again, it is whole.
            try Shell.must("echo again > \(mount.path("victim"))")
            try mount.wait(for: "victim")
            #expect(try Shell.must("cat \(scene.directory.file("received"))/victim") == "again\n")
        }

        static let ended = [
            Case(name: "an exit status of 1", command: "sh -c 'echo some; exit 1' > $M/victim", signal: ""),
            Case(
                name: "a thread that is still there when the program exits",
                command: """
                    python3 -c 'import sys,os,threading,time
                    out=open(sys.argv[1],"wb",buffering=0)
                    threading.Thread(target=time.sleep,args=(60,),daemon=True).start()
                    out.write(b"some\\n")
                    os._exit(0)' $M/victim
                    """, signal: ""),
            Case(
                name: "a signal that is handled",
                command: "bash -c 'trap \"echo some; exit 0\" TERM; kill -TERM $$' > $M/victim", signal: ""),
            Case(
                name: "another program in its place: execve closes what is O_CLOEXEC",
                command: """
                    python3 -c 'import sys,os
                    out=os.open(sys.argv[1],os.O_WRONLY|os.O_CREAT)
                    os.write(out,b"some\\n")
                    os.execv("/bin/true",["true"])' $M/victim
                    """, signal: ""),
            Case(
                name: "children that begin other programs while the file is written",
                command: """
                    python3 -c 'import sys,os
                    out=os.open(sys.argv[1],os.O_WRONLY|os.O_CREAT)
                    for letter in b"some\\n":
                        os.waitpid(os.posix_spawn("/bin/true",["true"],{}),0)
                        os.write(out,bytes([letter]))' $M/victim
                    """, signal: ""),
            Case(
                name: "the death of a program that only holds the file",
                command: "{ sh -c 'kill -9 $$'; echo some; } > $M/victim", signal: ""),
            Case(
                name: "the death of the one before in a pipeline",
                command: "sh -c 'echo some; kill -9 $$' | cat > $M/victim", signal: ""),
        ]

        @Test(
            "A writer that ends by itself is published, with whatever exit status", .timeLimit(.minutes(1)),
            arguments: ended)
        func ends(_ example: Case) throws {
            let scene = try Scene()
            let mount = try scene.mount(nil)
            _ = try Shell.run("export M=\(mount.mountpoint); \(example.command)")
            try mount.wait(for: "victim")
            #expect(try Shell.must("cat \(scene.directory.file("received"))/victim") == "some\n")
        }

        @Test("--publish-interrupted publishes what a killed writer left", .timeLimit(.minutes(1)))
        func wanted() throws {
            let scene = try Scene()
            let mount = try scene.mount(nil, ["--publish-interrupted"])
            _ = try Shell.run("sh -c 'echo some; kill -9 $$' > \(mount.path("victim"))")
            try mount.wait(for: "victim")
        }

        @Test("Killed by the kernel for want of memory, a writer publishes nothing", .timeLimit(.minutes(1)))
        func outOfMemory() throws {
            let scene = try Scene()
            let mount = try scene.mount(nil)
            // A memory limit of its own by cgroup, where there is one to be had; else the address space's end
            // would be an error for the program to handle, not a death.
            let script = """
                g=/sys/fs/cgroup/memory; test -d $g || g=/sys/fs/cgroup
                g=$g/uploadfs-test.$$; mkdir $g || exit 1
                echo 33554432 > $g/memory.limit_in_bytes 2>/dev/null || echo 33554432 > $g/memory.max || exit 1
                echo 0 > $g/memory.swap.max 2>/dev/null
                python3 -c 'import os,sys
                open("'$g'/cgroup.procs","w").write(str(os.getpid()))
                out=open(sys.argv[1],"wb",buffering=0)
                out.write(b"x"*100000)
                hog=[bytearray(os.urandom(1<<20)) for _ in range(200)]' \(mount.path("victim"))
                code=$?
                rmdir $g
                exit $code
                """
            let (code, output) = try Shell.run(script)
            try #require(code == 137, "not killed: \(code) \(output)")
            let (waited, said) = try Binary.run("wait", mount.mountpoint, "victim")
            #expect(waited == 1 && said.contains("was killed by signal 9"), "\(said)")
        }
    }
}
