import Foundation
import Glibc
import TestSupport
import Testing
import UploadCore
import UploadStore

@Suite("The spool", .timeLimit(.minutes(1)))
struct DirectorySpoolTests {
    private let directory: TemporaryDirectory
    private let path: String
    private let spool: DirectorySpool

    init() throws {
        directory = try TemporaryDirectory()
        path = directory.file("spool")
        spool = try DirectorySpool(directory: path)
    }

    @Test("gives back what was written, at its place, across the end")
    func writesAndReads() throws {
        let file = try spool.create(VersionID(1))
        try file.write([1, 2, 3, 4, 5], at: 0)
        try file.write([9, 9], at: 3)
        #expect(try file.contents() == [1, 2, 3, 9, 9])
        #expect(try file.size() == 5)

        var buffer = [UInt8](repeating: 7, count: 10)
        let count = try buffer.withUnsafeMutableBytes { try file.read(into: $0, at: 3) }
        #expect(count == 2)
        #expect(try buffer.withUnsafeMutableBytes { try file.read(into: $0, at: 5) } == 0)
        #expect(try file.read(into: UnsafeMutableRawBufferPointer(start: nil, count: 0), at: 0) == 0)
    }

    @Test("gives a version's bytes to another one, which keeps them when the first is gone, and counts both")
    func links() throws {
        let file = try spool.create(VersionID(1))
        try file.write([1, 2, 3], at: 0)
        try spool.link(VersionID(1), to: VersionID(2))
        #expect(spool.gauge.used == 2 * spool.occupied(by: VersionID(1)))
        #expect(try spool.open(VersionID(2)).contents() == [1, 2, 3])
        _ = try spool.create(VersionID(4))
        #expect(spool.isSame(VersionID(1), as: VersionID(2)) && !spool.isSame(VersionID(1), as: VersionID(4)))
        #expect(spool.isLinked(VersionID(1)) && spool.isLinked(VersionID(2)) && !spool.isLinked(VersionID(4)))
        #expect(try spool.sharing(with: VersionID(2)).sorted() == [VersionID(1), VersionID(2)])
        #expect(try spool.sharing(with: VersionID(4)) == [VersionID(4)])
        #expect(try spool.sharing(with: VersionID(9)).isEmpty && !spool.isLinked(VersionID(9)))
        try spool.remove(VersionID(1))
        #expect(!spool.isSame(VersionID(1), as: VersionID(2)) && !spool.isLinked(VersionID(2)))
        #expect(try spool.open(VersionID(2)).contents() == [1, 2, 3])
        #expect(throws: SpoolError.missing(VersionID(1))) { try spool.link(VersionID(1), to: VersionID(3)) }
        #expect(throws: SpoolError.self) { try spool.link(VersionID(2), to: VersionID(2)) }
    }

    @Test("keeps holes as holes, past 4 GiB")
    func isSparse() throws {
        let file = try spool.create(VersionID(1))
        let far: Int64 = 5 << 30
        try file.write([42], at: far)
        #expect(try file.size() == far + 1)
        #expect(spool.gauge.used < 64 * 512)
        var byte = [UInt8](repeating: 7, count: 2)
        #expect(try byte.withUnsafeMutableBytes { try file.read(into: $0, at: far - 1) } == 2)
        #expect(byte == [0, 42])
        try file.truncate(to: 3)
        #expect(try file.contents() == [0, 0, 0])
    }

    @Test("refuses an offset that does not exist instead of trapping", arguments: [-1, Int64.min, Int64.max])
    func refusesWildOffsets(offset: Int64) throws {
        let file = try spool.create(VersionID(1))
        #expect(throws: SpoolError.self) { try file.write([1, 2], at: offset) }
    }

    @Test("gives the same object while one lives, and another afterwards")
    func sharesDescriptors() throws {
        var first: (any SpoolFile)? = try spool.create(VersionID(1))
        let second = try spool.open(VersionID(1))
        #expect(first === second)
        let number = second.descriptor
        #expect(fcntl(number, F_GETFD) == FD_CLOEXEC)
        first = nil
        #expect(try spool.open(VersionID(1)) === second)
    }

    @Test("closes a descriptor when the last user lets go")
    func closesDescriptors() throws {
        let before = try Self.openDescriptors(below: path)
        do {
            let file = try spool.create(VersionID(1))
            #expect(try Self.openDescriptors(below: path) == before + 1)
            withExtendedLifetime(file) {}
        }
        #expect(try Self.openDescriptors(below: path) == before)
    }

    @Test("has one descriptor for a version, however many open and drop it at once")
    func survivesTheRaceOfOpenAndDeinit() async throws {
        try spool.create(VersionID(1)).write([1, 2, 3], at: 0)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<2000 {
                        let file = try spool.open(VersionID(1))
                        #expect(try spool.open(VersionID(1)) === file)
                        #expect(try file.contents() == [1, 2, 3])
                    }
                }
            }
            try await group.waitForAll()
        }
        // The one that is left is the directory's.
        #expect(try Self.openDescriptors(below: path) == 1)
    }

    @Test("lets who holds a removed file go on, and nobody else open it")
    func removes() throws {
        let file = try spool.create(VersionID(1))
        try file.write([1, 2, 3], at: 0)
        try spool.remove(VersionID(1))
        #expect(try file.contents() == [1, 2, 3])
        #expect(throws: SpoolError.missing(VersionID(1))) { try spool.open(VersionID(1)) }
        try spool.remove(VersionID(1))
    }

    @Test("copies what has lost its name meanwhile, holes as holes")
    func copiesRemoved() throws {
        let file = try spool.create(VersionID(1))
        try file.write([1, 2, 3], at: 1 << 20)
        try spool.remove(VersionID(1))
        let copy = try #require(try spool.copy(file, to: VersionID(2)))
        #expect(try copy.bytes(3, at: 1 << 20) == [1, 2, 3])
        #expect(try copy.size() == file.size())
        #expect(spool.occupied(by: VersionID(2)) < 1 << 20)
        #expect(try spool.versions() == [VersionID(2)])
    }

    @Test("empties a file that a crash left behind")
    func createEmpties() throws {
        try spool.create(VersionID(1)).write([1, 2, 3], at: 0)
        let again = try spool.create(VersionID(1))
        #expect(try again.size() == 0)
    }

    @Test("finds its versions again, and nothing else")
    func lists() throws {
        for number in [3, 12, 1] as [Int64] { _ = try spool.create(VersionID(number)) }
        try Data().write(to: URL(fileURLWithPath: path + "/lost+found"))
        try Data().write(to: URL(fileURLWithPath: path + "/007"))
        let again = try DirectorySpool(directory: path)
        #expect(try again.versions().sorted() == [VersionID(1), VersionID(3), VersionID(12)])
        #expect(try again.versions().count == 3)
    }

    @Test("is for its owner's eyes only")
    func isPrivate() throws {
        let file = try spool.create(VersionID(1))
        try file.synchronize()
        #expect(try Self.mode(path) == 0o700)
        #expect(try Self.mode(path + "/1") == 0o600)

        chmod(path, 0o755)
        _ = try DirectorySpool(directory: path)
        #expect(try Self.mode(path) == 0o700)
    }

    @Test("does not follow a link in its place")
    func followsNoLinks() throws {
        try Data("secret".utf8).write(to: URL(fileURLWithPath: directory.file("elsewhere")))
        #expect(symlink(directory.file("elsewhere"), path + "/5") == 0)
        #expect(throws: SpoolError.system(call: "open", errno: ELOOP)) { try spool.open(VersionID(5)) }
        #expect(throws: SpoolError.system(call: "open", errno: ELOOP)) { try spool.create(VersionID(5)) }
    }

    @Test("takes back of the quota just what it counted, whatever the filesystem made of the blocks since")
    func countsWhatItCounted() throws {
        let before = spool.gauge.used
        try spool.create(VersionID(1)).write([UInt8](repeating: 7, count: 1 << 20), at: 0)
        #expect(spool.gauge.used >= before + 1 << 20)
        // As XFS does with what it allocated ahead, once nobody has the file open.
        #expect(truncate(path + "/1", 4096) == 0)
        try spool.remove(VersionID(1))
        #expect(spool.gauge.used == before)
    }

    @Test("tells of the filesystem below")
    func tellsItsCapacity() throws {
        let capacity = try spool.capacity(evictable: 0)
        #expect(capacity.blockSize >= 512)
        #expect(capacity.total >= capacity.available)
        #expect(capacity.total > 0)
    }

    private static func mode(_ path: String) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        return try #require(attributes[.posixPermissions] as? NSNumber).intValue
    }

    /// How many of this process's descriptors are open on a path or below it.
    private static func openDescriptors(below path: String) throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").filter { number in
            // The listing's own descriptor is gone by now.
            let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/" + number)
            return target?.hasPrefix(path) ?? false
        }.count
    }
}
