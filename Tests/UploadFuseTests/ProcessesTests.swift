import Foundation
import Glibc
import Testing
import UploadCore

@testable import UploadFuse

/// What /proc tells, and what follows from it (P2).
@Suite struct ProcessesTests {
    /// A line of /proc/TID/stat with these flags and this exit code.
    private static func stat(name: String = "cp", flags: UInt64, code: UInt32) -> String {
        let zeros = Array(repeating: "0", count: 42).joined(separator: " ")
        return "17 (\(name)) S 1 2 3 4 5 \(flags) \(zeros) \(code)\n"
    }

    @Test(
        "A thread is dying of a signal when it is exiting and its process's exit code names one",
        arguments: [
            (UInt64(0x404), UInt32(9), Int32?(9)),  // SIGKILL
            (0x404, 15, 15),
            (0x40_0404, 0x8b, 11),  // SIGSEGV with a core dump
            (0x4, 0, nil),  // exit(0)
            (0x4, 0x100, nil),  // exit(1)
            (0x404, 0, nil),  // another thread called exit(0)
            (0x400100, 0, nil),  // alive
            (0x400000, 9, nil),
        ])
    func deaths(_ flags: UInt64, _ code: UInt32, _ signal: Int32?) {
        #expect(ThreadStatus.death(Self.stat(flags: flags, code: code))?.signal == signal)
    }

    @Test("A program's name may have any characters")
    func names() {
        let death = ThreadStatus.death(Self.stat(name: "a) S 1 (b", flags: 0x404, code: 9))
        #expect(death == ProcessTable.Death(signal: 9, program: "a) S 1 (b"))
        #expect(ThreadStatus.death("") == nil)
        #expect(ThreadStatus.death("1 (x) Z") == nil)
    }

    @Test(
        "Only of a thread that let go of its memory is the death asked",
        arguments: [
            ("Name:\tcp\nState:\tR (running)\nTgid:\t7\nVmPeak:\t 4 kB\nVmSize:\t 4 kB\nThreads:\t1\n", false),
            ("Name:\tcp\nState:\tR (running)\nTgid:\t7\nGroups:\t1000 1001", false),  // cut off
            ("Name:\tVmSize:\nState:\tR (running)\nTgid:\t7\nThreads:\t1\n", true),
        ])
    func memory(_ status: String, _ isGone: Bool) {
        #expect(ThreadStatus.hasNoMemory(status) == isGone)
    }

    @Test(
        "A thread's process stands in its own line",
        arguments: [
            ("Name:\tTgid: 3\nUmask:\t0022\nTgid:\t17\nNgid:\t0\n", Int32?(17)), ("Name:\tcp\nTgid:\t17", 17),
            ("Name:\tcp\nTgid:\t\n", nil), ("Name:\tcp\n", nil), ("", nil),
        ])
    func process(_ status: String, _ process: Int32?) {
        #expect(ThreadStatus.process(status) == process)
    }

    @Test("This thread belongs to this process, and lives")
    func system() throws {
        // "PID/task/TID"
        let link = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/thread-self")
        let thread = try #require(link.split(separator: "/").last.flatMap { Int32($0) })
        #expect(ProcessTable.system.process(thread) == getpid())
        #expect(ProcessTable.system.process(getpid()) == getpid())
        #expect(ProcessTable.system.death(thread) == nil)
        #expect(ProcessTable.system.death(0) == nil)
        #expect(ProcessTable.system.process(Int32.max) == 0)
        let maps = try #require(ProcFile.read("/proc/self/maps"))
        #expect(maps.utf8.count > 4096 && maps.contains("[stack]"), "more than one read(2) gives")
    }

    @Test("Who died with a descriptor that it had written through has torn it, though another one changed it since")
    func changedByAnother() throws {
        var authorship = Authorship()
        authorship.changed(by: 10, table)
        authorship.changed(by: 20, table)
        authorship.flushed(by: try #require(table.flusher(11)), of: 10)
        #expect(authorship.tear?.process == 10)
        authorship.changed(by: 20, table)
        #expect(authorship.tear == nil)
    }

    @Test("What the kernel writes of a mapping is its opener's, unless another writer is known")
    func mapped() throws {
        var authorship = Authorship()
        authorship.written(throughMapOf: 10)
        authorship.flushed(by: try #require(table.flusher(10)), of: 10)
        #expect(authorship.tear?.process == 10)
        authorship.changed(by: 20, table)
        authorship.written(throughMapOf: 10)
        #expect(authorship.author == 20)
    }

    /// Threads 10 and 11 are process 10, 20 is 20; 10's threads die.
    private let table = ProcessTable(
        process: { $0 / 10 * 10 },
        death: { $0 < 20 ? ProcessTable.Death(signal: 9, program: "cp") : nil })

    @Test("Torn is what the process left that wrote last, by whichever of its threads")
    func authorship() throws {
        var authorship = Authorship()
        authorship.changed(by: 10, table)
        #expect(authorship.tear == nil)
        authorship.flushed(by: try #require(table.flusher(20)), of: 0)
        #expect(authorship.tear == nil)
        authorship.flushed(by: try #require(table.flusher(11)), of: 0)
        #expect(authorship.tear?.process == 10)
        // A shell closes it afterwards.
        authorship.flushed(by: try #require(table.flusher(20)), of: 0)
        #expect(authorship.tear?.process == 10)
        // Another program goes on with it.
        authorship.changed(by: 20, table)
        #expect(authorship.tear == nil)
    }

    @Test("Of a process that is not known nothing is believed")
    func unknown() throws {
        var authorship = Authorship()
        authorship.changed(by: 10, table)
        authorship.changed(by: 0, table)
        authorship.flushed(by: try #require(table.flusher(10)), of: 0)
        #expect(table.flusher(0) == nil)
        #expect(authorship.tear == nil)
    }
}
