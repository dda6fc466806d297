import TestSupport
import Testing
import UploadCore
import UploadStore

@Suite("What a journal knows of listings", .timeLimit(.minutes(1)))
struct JournalListingTests {
    private func listed(_ number: UInt64, _ name: String, in parent: UInt64 = 1, _ listing: Int64) throws -> NodeRecord
    {
        var node = try Samples.file(number, name, in: parent)
        node.isPublished = true
        node.size = 5
        node.listed = listing
        node.tag = "tag \(number)"
        return node
    }

    private func names(_ nodes: [NodeRecord]) -> [String] { nodes.compactMap(\.name?.text) }

    @Test(
        "A node keeps what was listed of it, whatever is changed of it otherwise", arguments: JournalUnderTest.allCases)
    func kept(kind: JournalUnderTest) throws {
        try kind.with { journal in
            var file = try listed(3, "f", in: 2, 1)
            var directory = try Samples.directory(2, "d")
            directory.listed = 1
            try journal.apply([.insertNode(directory), .insertNode(file)])
            #expect(try journal.node(FileID(3)) == file)
            #expect(try journal.node(FileID(2)) == directory)

            var other = file
            other.size = 9
            other.listed = nil
            other.tag = nil
            try journal.apply([.updateNode(other)])
            file.size = 9
            #expect(try journal.node(FileID(3)) == file)

            try journal.apply([.tagged(FileID(3), "new"), .lookedInto(FileID(2), at: Samples.now)])
            file.tag = "new"
            directory.lookedInto = Samples.now
            #expect(try journal.node(FileID(3)) == file)
            #expect(try journal.node(FileID(2)) == directory)
            try journal.apply([.tagged(FileID(3), nil), .tagged(FileID(2), "no"), .tagged(FileID(9), "gone")])
            #expect(try journal.node(FileID(3))?.tag == nil)
            #expect(try journal.node(FileID(2)) == directory)
        }
    }

    @Test("Nodes are found by many names at once, by their bytes", arguments: JournalUnderTest.allCases)
    func named(kind: JournalUnderTest) throws {
        try kind.with { journal in
            let names = ["a\"b\\c", "caf\u{e9}", "cafe\u{301}", "new\nline\u{1}", "\u{2028}", "plain"]
            for (index, name) in names.enumerated() {
                try journal.apply([.insertNode(try Samples.file(UInt64(index + 2), name))])
            }
            try journal.apply([
                .insertNode(try Samples.directory(20, "d")), .insertNode(try Samples.file(21, "plain", in: 20)),
            ])
            let wanted = try names.map { try FileName($0) }
            for name in wanted {
                let found = try journal.children(of: .root, named: [name, FileName("none")])
                #expect(found.map(\.name) == [name])
            }
            let all = try journal.children(of: .root, named: wanted)
            #expect(Set(all.compactMap(\.name)) == Set(wanted))
            #expect(try journal.children(of: .root, named: []).isEmpty)
        }
    }

    @Test(
        "What a listing did not show is what was there before it was begun, and nothing else",
        arguments: JournalUnderTest.allCases)
    func unlisted(kind: JournalUnderTest) throws {
        try kind.with { journal in
            #expect(try journal.lastListing() == 0)
            var local = try Samples.file(9, "local", version: 1)
            local.size = 1
            try journal.apply([
                .listingBegan(1), .insertNode(try listed(2, "a", 1)), .insertNode(try listed(3, "b", 1)),
                .insertNode(try listed(4, "c", 1)), .insertNode(local), .insertUpload(Samples.upload(1, of: 9)),
            ])
            try journal.apply([.listingBegan(2), .listed([FileID(3), FileID(99)], listing: 2)])
            #expect(try journal.lastListing() == 2)
            #expect(names(try journal.unlisted(in: .root, before: 2, after: nil, limit: 10)) == ["a", "c"])
            #expect(names(try journal.unlisted(in: .root, before: 2, after: nil, limit: 1)) == ["a"])
            #expect(names(try journal.unlisted(in: .root, before: 2, after: FileName("a"), limit: 10)) == ["c"])
            // Published while the listing goes on.
            try journal.apply([.published(VersionID(1), Samples.receipt, at: Samples.now)])
            #expect(try journal.node(FileID(9))?.listed == 2)
            #expect(names(try journal.unlisted(in: .root, before: 2, after: nil, limit: 10)) == ["a", "c"])
            #expect(
                names(try journal.unlisted(in: .root, before: 3, after: nil, limit: 10)) == ["a", "b", "c", "local"])
            // An older listing that is slower takes nothing back.
            try journal.apply([.listed([FileID(3)], listing: 1), .listingBegan(1)])
            #expect(try journal.node(FileID(3))?.listed == 2)
            #expect(try journal.lastListing() == 2)
        }
    }

    @Test(
        "Under a new name no listing has seen it; and what a listing told its content apart by is void when it is published",
        arguments: JournalUnderTest.allCases)
    func renamed(kind: JournalUnderTest) throws {
        try kind.with { journal in
            try journal.apply([
                .insertNode(try listed(2, "a", 0)), .insertNode(try listed(3, "b", 0)),
                .insertNode(try Samples.file(4, "c")), .listingBegan(7),
            ])
            try journal.apply([.moveNode(FileID(2), parent: .root, name: try FileName("x"))])
            #expect(try journal.node(FileID(2))?.listed == 7)
            try journal.apply([
                .exchangeNodes(
                    NodePlace(file: FileID(3), parent: .root, name: try FileName("c")),
                    NodePlace(file: FileID(4), parent: .root, name: try FileName("b")))
            ])
            #expect(try journal.node(FileID(3))?.listed == 7)
            #expect(try journal.node(FileID(4))?.listed == nil)
            try journal.apply([
                .insertUpload(Samples.upload(1, of: 2)), .published(VersionID(1), Samples.receipt, at: Samples.now),
            ])
            #expect(try journal.node(FileID(2))?.tag == nil)
        }
    }

    @Test("A directory with something that was listed in it keeps its name", arguments: JournalUnderTest.allCases)
    func fixed(kind: JournalUnderTest) throws {
        try kind.with { journal in
            var inner = try Samples.directory(3, "inner", in: 2)
            try journal.apply([.insertNode(try Samples.directory(2, "outer")), .insertNode(inner)])
            #expect(try !journal.hasPublishedDescendant(FileID(2)))
            try journal.apply([.removeNode(FileID(3))])
            inner.listed = 1
            try journal.apply([.insertNode(inner)])
            #expect(try journal.hasPublishedDescendant(FileID(2)))
        }
    }
}
