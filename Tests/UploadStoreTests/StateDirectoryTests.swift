import Foundation
import Glibc
import TestSupport
import Testing
import UploadCore
import UploadStore

@Suite("The state directory", .timeLimit(.minutes(1)))
struct StateDirectoryTests {
    private let directory: TemporaryDirectory
    private let path: String

    init() throws {
        directory = try TemporaryDirectory()
        path = directory.file("state/of/mine")
    }

    private func open() throws(StateDirectoryError) -> StateDirectory {
        try StateDirectory(path: path, now: Samples.now)
    }

    @Test("is made with everything in it, for its owner alone")
    func isMade() throws {
        let state = try open()
        #expect(state.path == path)
        _ = try state.spool.create(VersionID(1))
        try state.journal.apply([.setFact(name: "x", value: "1")])
        let names = try FileManager.default.contentsOfDirectory(atPath: path)
        #expect(Set(names).isSuperset(of: ["lock", "spool", "journal.sqlite"]))
        for place in [path, directory.file("state"), path + "/spool"] {
            let attributes = try FileManager.default.attributesOfItem(atPath: place)
            #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o700)
        }
        try state.close()
    }

    @Test("is tightened when others could enter, and may be reached by a link")
    func isTightened() throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        chmod(path, 0o777)
        #expect(symlink(path, directory.file("link")) == 0)
        let state = try StateDirectory(path: directory.file("link"), now: Samples.now)
        #expect(state.path == path)
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o700)
    }

    @Test("lets nobody in twice, and says who is there")
    func isExclusive() throws {
        let state = try open()
        #expect(throws: StateDirectoryError.inUse(pid: getpid())) { try open() }
        withExtendedLifetime(state) {}
    }

    @Test("names another process that holds it, and is free as soon as that is killed")
    func outlivesAKilledHolder() throws {
        try open().close()
        let script = """
            import fcntl, os, sys, time
            lock = open(sys.argv[1], "r+")
            fcntl.flock(lock, fcntl.LOCK_EX)
            lock.truncate(0)
            lock.write(str(os.getpid()) + "\\n")
            lock.flush()
            print("locked", flush=True)
            time.sleep(60)
            """
        let (holder, line) = try Command.start("python3", ["-c", script, path + "/lock"], waitingForLine: true)
        #expect(line == "locked")
        #expect(throws: StateDirectoryError.inUse(pid: holder.processIdentifier)) { try open() }
        kill(holder.processIdentifier, SIGKILL)
        holder.waitUntilExit()
        try open().close()
    }

    @Test("is given up when its object goes")
    func isReleased() throws {
        try open().close()
        try open().close()
    }

    @Test("is refused when it belongs to somebody else")
    func isNotSomebodyElses() throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        #expect(chown(path, 12345, 12345) == 0)
        #expect(throws: StateDirectoryError.foreign(owner: 12345)) { try open() }
        #expect(!FileManager.default.fileExists(atPath: path + "/lock"))
    }

    @Test("is refused when it is a file")
    func isADirectory() throws {
        try FileManager.default.createDirectory(atPath: directory.file("state/of"), withIntermediateDirectories: true)
        try Data().write(to: URL(fileURLWithPath: path))
        #expect(throws: StateDirectoryError.notADirectory) { try open() }
        #expect(throws: StateDirectoryError.notADirectory) {
            try StateDirectory(path: path + "/below", now: Samples.now)
        }
    }
}
