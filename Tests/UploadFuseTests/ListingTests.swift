import TestSupport
import Testing
import UploadCore

@testable import UploadFuse

@Suite("Listing directories")
struct ListingTests {
    let fixture: FileSystemFixture

    init() throws {
        fixture = try FileSystemFixture()
    }

    /// Reads as a program with a buffer for `room` entries does.
    private func read(
        _ handle: OpenHandle, from offset: inout Int64, room: Int, countsLookups: Bool = false
    ) throws -> [String] {
        var names: [String] = []
        var next = offset
        try fixture.fileSystem.list(handle, from: offset, countsLookups: countsLookups) { item in
            guard names.count < room else { return false }
            names.append(item.name)
            next = item.nextOffset
            return true
        }
        offset = next
        return names
    }

    @Test("Everything is listed once, whatever the buffer's size", arguments: [1, 3, 64, 1000])
    func complete(room: Int) throws {
        for number in 0..<150 { try fixture.make("file\(number)") }
        let handle = try fixture.fileSystem.openDirectory(1)
        var offset: Int64 = 0
        var all: [String] = []
        while case let page = try read(handle, from: &offset, room: room), !page.isEmpty { all += page }
        #expect(all.count == 152)
        #expect(Set(all).count == 152)
        #expect(all.prefix(2) == [".", ".."])
    }

    @Test("What stays while others come and go is listed once")
    func changing() throws {
        for number in 10..<90 { try fixture.make("file\(number)") }
        let handle = try fixture.fileSystem.openDirectory(1)
        var offset: Int64 = 0
        var all: [String] = []
        var round = 0
        while case let page = try read(handle, from: &offset, room: 7), !page.isEmpty {
            all += page
            try fixture.make("a-new\(round)")
            if round < 5 { try fixture.unlink("file\(10 + round)") }
            round += 1
        }
        for number in 15..<90 { #expect(all.count { $0 == "file\(number)" } == 1) }
    }

    @Test("Going back to an offset tells the same from there")
    func seeking() throws {
        for number in 10..<40 { try fixture.make("file\(number)") }
        let handle = try fixture.fileSystem.openDirectory(1)
        var offset: Int64 = 0
        _ = try read(handle, from: &offset, room: 10)
        let back = offset
        let first = try read(handle, from: &offset, room: 10)
        offset = back
        #expect(try read(handle, from: &offset, room: 10) == first)
        offset = 0
        try fixture.make("file00")
        #expect(try read(handle, from: &offset, room: 3).last == "file00")
    }

    @Test("readdirplus counts a lookup for each entry but . and ..")
    func lookups() throws {
        let inode = try fixture.make("a")
        fixture.fileSystem.forget(inode, count: 2)
        let handle = try fixture.fileSystem.openDirectory(1)
        var offset: Int64 = 0
        _ = try read(handle, from: &offset, room: 10, countsLookups: true)
        #expect(fixture.namespace.locked { $0.heldCount } == 2)
        fixture.fileSystem.forget(inode, count: 1)
        #expect(fixture.namespace.locked { $0.heldCount } == 1)
    }

    @Test("A listing tells the size that an open file has now")
    func liveSize() throws {
        let handle = try fixture.create("a")
        try fixture.write(handle, "12345")
        let directory = try fixture.fileSystem.openDirectory(1)
        var sizes: [String: Int64] = [:]
        try fixture.fileSystem.list(directory, from: 0, countsLookups: false) { item in
            sizes[item.name] = item.entry.attributes.size
            return true
        }
        #expect(sizes["a"] == 5)
    }
}
