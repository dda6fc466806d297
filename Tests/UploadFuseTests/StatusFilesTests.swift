import Glibc
import Synchronization
import TestSupport
import Testing
import UploadCore

@testable import UploadFuse

@Suite("The files below .uploadfs")
struct StatusFilesTests {
    let fixture: FileSystemFixture

    init() throws {
        fixture = try FileSystemFixture()
    }

    /// The inode of a path below the root.
    private func find(_ path: String) throws -> UInt64 {
        var inode: UInt64 = 1
        for name in path.split(separator: "/") {
            inode = try #require(try fixture.lookup(String(name), in: inode), "\(name)").attributes.inode
        }
        return inode
    }

    @Test(".uploadfs is found and not listed, unless it shall be")
    func hidden() throws {
        try fixture.make("a.txt")
        #expect(try fixture.names() == ["a.txt"])
        let names = try fixture.names(in: try find(".uploadfs"))
        #expect(names == ["control", "detail", "metrics", "progress", "status", "status.json", "sync", "wait"])
        #expect(try FileSystemFixture(showStatusDirectory: true).names() == [".uploadfs"])
    }

    @Test("Nothing can be made, removed, renamed or changed there")
    func readOnly() throws {
        let directory = try find(".uploadfs")
        try fixture.make("a.txt")
        #expect(throws: FileSystemError.reserved) { try fixture.create("x", in: directory) }
        #expect(throws: FileSystemError.reserved) { try fixture.create(".uploadfs") }
        #expect(throws: FileSystemError.reserved) { try fixture.makeDirectory(".uploadfs") }
        #expect(throws: FileSystemError.reserved) { try fixture.unlink("status", in: directory) }
        #expect(throws: FileSystemError.reserved) { try fixture.rename("a.txt", to: ".uploadfs") }
        #expect(throws: FileSystemError.reserved) { try fixture.rename("a.txt", to: "x", into: directory) }
        #expect(throws: FileSystemError.reserved) {
            try fixture.fileSystem.change(directory, AttributeChange(mode: 0o777))
        }
        #expect(throws: FileSystemError.reserved) { try fixture.open(try find(".uploadfs/status")) }
    }

    @Test("The three directories mirror the tree", arguments: ["progress", "detail", "wait"])
    func mirror(name: String) throws {
        let directory = try fixture.makeDirectory("d")
        let file = try fixture.make("a.txt", in: directory)
        let mirrored = try find(".uploadfs/\(name)/d/a.txt")
        #expect(mirrored != file)
        #expect(StatusInode(mirrored)?.file == FileID(file))
        #expect(try fixture.names(in: try find(".uploadfs/\(name)/d")) == ["a.txt"])
        let handle = try fixture.fileSystem.openDirectory(try find(".uploadfs/\(name)/d"))
        var above: UInt64?
        try fixture.fileSystem.list(handle, from: 1, countsLookups: true) { item in
            above = above ?? item.entry.attributes.inode
            return true
        }
        #expect(above == (try find(".uploadfs/\(name)")))
    }

    @Test("A status file's content is made at open and stays so")
    func consistent() throws {
        let file = try fixture.make("a.txt")
        fixture.uploads.set(try .sample(file, .uploading))
        let opened = try fixture.fileSystem.open(try find(".uploadfs/progress/a.txt"), flags: O_RDONLY)
        #expect(opened.isDirect)
        fixture.uploads.set(try .sample(file, .done, url: "u"))
        #expect(try fixture.content(opened.handle) == ProgressLine.render(try .sample(file, .uploading)))
        let again = try fixture.open(try find(".uploadfs/progress/a.txt"), O_RDONLY)
        #expect(try fixture.content(again) == ProgressLine.render(try .sample(file, .done, url: "u")))
    }

    @Test("The table, the JSON and the metrics are what the renderers make")
    func renderers() throws {
        fixture.uploads.set(try .sample(2, .uploading))
        let overview = fixture.uploads.overview()
        let read = { (name: String) throws in
            try fixture.content(try fixture.open(try find(".uploadfs/" + name), O_RDONLY))
        }
        #expect(try read("status") == StatusTable.render(overview))
        #expect(try read("status.json") == StatusJSON.render(overview))
        #expect(try read("metrics") == Metrics.render(overview, inodes: fixture.namespace.locked { $0.heldCount }))
    }

    private func wait(on handle: OpenHandle, _ answers: Answers) throws -> @Sendable () -> Void {
        guard case .parked(let waiter) = try fixture.fileSystem.read(handle, 100, at: 0) else {
            Issue.record("answered at once")
            return {}
        }
        return waiter.begin { result in
            answers.add(
                result.map { answer in
                    guard case .bytes(let bytes) = answer else { return "no bytes" }
                    return String(decoding: bytes, as: UTF8.self)
                })
        }
    }

    private final class Answers: Sendable {
        private let all = Mutex<[Result<String, FileSystemError>]>([])
        func add(_ answer: Result<String, FileSystemError>) { all.withLock { $0.append(answer) } }
        var values: [Result<String, FileSystemError>] { all.withLock { $0 } }
    }

    @Test("wait answers with the URL when the file is done, and then ends")
    func waitDone() throws {
        let file = try fixture.make("a.txt")
        fixture.uploads.set(try .sample(file, .uploading))
        let handle = try fixture.open(try find(".uploadfs/wait/a.txt"), O_RDONLY)
        let answers = Answers()
        _ = try wait(on: handle, answers)
        #expect(answers.values == [])
        fixture.uploads.set(try .sample(file, .done, url: "http://x/a.txt"))
        #expect(answers.values == [.success("http://x/a.txt\n")])
        guard case .bytes(let rest) = try fixture.fileSystem.read(handle, 100, at: 15) else {
            Issue.record("parked again")
            return
        }
        #expect(rest.isEmpty)
    }

    @Test("wait fails when the file needs a decision", arguments: [Phase.failed, .cancelled, .interrupted, .ignored])
    func waitFailed(phase: Phase) throws {
        let file = try fixture.make("a.txt")
        fixture.uploads.set(try .sample(file, phase))
        let answers = Answers()
        _ = try wait(on: try fixture.open(try find(".uploadfs/wait/a.txt"), O_RDONLY), answers)
        #expect(answers.values == [.failure(.uploadFailed)])
    }

    @Test("sync answers when all that was posted before is known, each time that it is read")
    func sync() throws {
        try fixture.make("a.txt")
        let handle = try fixture.open(try find(".uploadfs/sync"), O_RDONLY)
        for round in 1...2 {
            let answers = Answers()
            _ = try wait(on: handle, answers)
            #expect(fixture.uploads.takeEvents().last == "marked")
            #expect(answers.values == [], "round \(round)")
            fixture.uploads.reachMarks()
            #expect(answers.values == [.success("")])
        }
    }

    @Test("A wait that is given up is taken back")
    func waitCancelled() throws {
        let file = try fixture.make("a.txt")
        fixture.uploads.set(try .sample(file, .uploading))
        let cancel = try wait(on: try fixture.open(try find(".uploadfs/wait/a.txt"), O_RDONLY), Answers())
        #expect(fixture.uploads.waiting == 1)
        cancel()
        #expect(fixture.uploads.waiting == 0)
    }

    @Test("A file without an upload has nothing to wait for")
    func waitNothing() throws {
        try fixture.make("a.txt")
        #expect(try fixture.content(try fixture.open(try find(".uploadfs/wait/a.txt"), O_RDONLY)) == "")
    }
}
