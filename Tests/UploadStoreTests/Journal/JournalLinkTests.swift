import TestSupport
import Testing
import UploadCore
import UploadStore

@Suite("A journal's links, hard and symbolic", .timeLimit(.minutes(1)))
struct JournalLinkTests {
    @Test("keeps a node as long as it has further names, and tells those", arguments: JournalUnderTest.allCases)
    func hardLinks(kind: JournalUnderTest) throws {
        try kind.with { journal in
            var node = try Samples.file(2, "a", version: 7)
            try journal.apply([.insertNode(node), .insertNode(try Samples.directory(3, "d"))])
            let links = try [(5, "z"), (4, "y")].map { number, name in
                NodeRecord(
                    file: FileID(number), parent: FileID(3), name: try FileName(name), kind: .file,
                    attributes: Samples.attributes, size: 3, hardLinkOf: node.file)
            }
            node.names = 3
            try journal.apply(links.map { .insertNode($0) } + [.updateNode(node)])
            #expect(try journal.node(FileID(2)) == node)
            #expect(try journal.hardLinks(of: FileID(2)) == links.reversed())
            #expect(try journal.hardLinks(of: FileID(4)).isEmpty)
            #expect(throws: JournalError.self) { try journal.apply([.removeNode(node.file)]) }
            // Takes the place of a further name.
            node.names = 2
            try journal.apply([
                .removeNode(FileID(4)), .moveNode(node.file, parent: FileID(3), name: try FileName("y")),
                .updateNode(node),
            ])
            #expect(try journal.child(try FileName("y"), of: FileID(3))?.file == node.file)
            #expect(try journal.hardLinks(of: node.file).map(\.file) == [FileID(5)])
            try journal.apply([.removeNode(FileID(5)), .removeNode(node.file)])
        }
    }

    @Test("tells which further names have not got their node's close", arguments: JournalUnderTest.allCases)
    func hardLinksBehind(kind: JournalUnderTest) throws {
        try kind.with { journal in
            var node = try Samples.file(2, "a", version: 7)
            node.names = 2
            let link = NodeRecord(
                file: FileID(3), parent: .root, name: try FileName("b"), kind: .file, attributes: Samples.attributes,
                version: VersionID(8), hardLinkOf: node.file)
            try journal.apply([
                .insertNode(node), .insertNode(link), .insertUpload(Samples.upload(7, of: 2)),
                .insertUpload(Samples.upload(8, of: 3)),
            ])
            #expect(try journal.hardLinksBehind().isEmpty)
            try journal.apply([.closed(VersionID(7), size: 1, at: Timestamp(seconds: 5))])
            #expect(try journal.hardLinksBehind() == [link])
            try journal.apply([.closed(VersionID(8), size: 1, at: Timestamp(seconds: 4))])
            #expect(try journal.hardLinksBehind() == [link])
            try journal.apply([.closed(VersionID(8), size: 1, at: Timestamp(seconds: 5))])
            #expect(try journal.hardLinksBehind().isEmpty)
            // Somebody does not want that name to be published with it, but with the next one.
            try journal.apply([.closed(VersionID(7), size: 1, at: Timestamp(seconds: 6))])
            var declining = link
            declining.declined = Timestamp(seconds: 6)
            try journal.apply([.updateNode(declining)])
            #expect(try journal.node(link.file) == declining)
            #expect(try journal.hardLinksBehind().isEmpty)
            declining.declined = nil
            try journal.apply([.updateNode(declining)])
            #expect(try journal.hardLinksBehind() == [link])
            // The clock was put back.
            try journal.apply([.reopened(VersionID(7)), .closed(VersionID(7), size: 2, at: Timestamp(seconds: 3))])
            #expect(try journal.hardLinksBehind() == [link])
            try journal.apply([.removeUpload(VersionID(8))])
            #expect(try journal.hardLinksBehind() == [link])
            // Its row was pruned, and it had that close.
            declining.given = Timestamp(seconds: 3)
            try journal.apply([.updateNode(declining)])
            #expect(try journal.node(link.file) == declining)
            #expect(try journal.hardLinksBehind().isEmpty)
            declining.given = nil
            try journal.apply([.updateNode(declining)])
            try journal.apply([
                .published(VersionID(7), Samples.receipt, at: Timestamp(seconds: 7)), .evicted(VersionID(7)),
            ])
            #expect(try journal.hardLinksBehind().isEmpty)
        }
    }

    @Test("tells all symbolic links, which may be published", arguments: JournalUnderTest.allCases)
    func symbolicLinks(kind: JournalUnderTest) throws {
        try kind.with { journal in
            var link = NodeRecord(
                file: FileID(3), parent: .root, name: try FileName("l"), kind: .link, attributes: Samples.attributes,
                size: 1, target: [0x61])
            try journal.apply([.insertNode(try Samples.file(2, "a")), .insertNode(link)])
            link.version = VersionID(4)
            link.isPublished = true
            try journal.apply([.updateNode(link)])
            #expect(try journal.symbolicLinks() == [link])
        }
    }

    @Test(
        "finds symbolic links by what they lead through, and those still to be published",
        arguments: JournalUnderTest.allCases)
    func linksThrough(kind: JournalUnderTest) throws {
        try kind.with { journal in
            let links = try ["a/./b//c", "../b", "/m/a", "b2/a"].enumerated().map { number, target in
                NodeRecord(
                    file: FileID(UInt64(2 + number)), parent: .root, name: try FileName("l\(number)"), kind: .link,
                    attributes: Samples.attributes, size: 1, target: Array(target.utf8))
            }
            try journal.apply(links.map { .insertNode($0) })
            func through(_ steps: String...) throws -> [Int] {
                try journal.symbolicLinks(through: steps).compactMap { links.firstIndex(of: $0) }
            }
            #expect(try through("a") == [0, 2, 3])
            #expect(try through("b") == [0, 1])
            #expect(try through("..") == [1])
            #expect(try through("c", "b2") == [0, 3])
            #expect(try through(".", "", "a/b") == [])
            var fresh = links[0]
            fresh.version = VersionID(7)
            try journal.apply([.insertUpload(Samples.upload(7, of: 2)), .updateNode(fresh)])
            #expect(try journal.symbolicLinksUnpublished() == [fresh])
            try journal.apply([
                .closed(VersionID(7), size: 1, at: Timestamp(seconds: 5)),
                .published(VersionID(7), Samples.receipt, at: Timestamp(seconds: 7)),
            ])
            #expect(try journal.symbolicLinksUnpublished() == [])
            try journal.apply([.removeNode(FileID(3))])
            #expect(try journal.symbolicLinks(through: ["b"]).map(\.file) == [FileID(2)])
        }
    }

    @Test("keeps where a link points, byte for byte", arguments: JournalUnderTest.allCases)
    func links(kind: JournalUnderTest) throws {
        try kind.with { journal in
            let attributes = NodeAttributes(
                mode: 0o777, owner: 1, group: 2, accessed: Samples.now, modified: Samples.now, changed: Samples.now)
            let target: [UInt8] = [0x2e, 0x2e, 0x2f, 0xff, 0xfe]
            let link = NodeRecord(
                file: FileID(2), parent: .root, name: try FileName("link"), kind: .link, attributes: attributes,
                size: 5, target: target)
            try journal.apply([.insertNode(link)])
            #expect(try journal.node(FileID(2)) == link)
        }
    }
}
