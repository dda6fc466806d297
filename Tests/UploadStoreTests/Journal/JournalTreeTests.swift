import TestSupport
import Testing
import UploadCore
import UploadStore

@Suite("A journal's tree", .timeLimit(.minutes(1)))
struct JournalTreeTests {
    @Test("begins with a root directory, and no numbers given out", arguments: JournalUnderTest.allCases)
    func root(kind: JournalUnderTest) throws {
        try kind.with { journal in
            let root = try #require(try journal.node(.root))
            #expect(root.parent == .root)
            #expect(root.name == nil)
            #expect(root.kind == .directory)
            #expect(root.attributes.mode == 0o700)
            #expect(root.attributes.modified == Samples.now)
            #expect(try journal.children(of: .root, after: nil, limit: 10).isEmpty)
            let highest = try journal.highestIdentifiers()
            #expect(highest == (FileID(0), VersionID(0)))
        }
    }

    @Test("keeps every field of a node", arguments: JournalUnderTest.allCases)
    func keepsFields(kind: JournalUnderTest) throws {
        try kind.with { journal in
            var node = try Samples.file(2, "a\n\"b", version: 7)
            try journal.apply([.insertNode(node)])
            #expect(try journal.node(FileID(2)) == node)
            #expect(try journal.child(try FileName("a\n\"b"), of: .root) == node)

            node.attributes.mode = 0o4755
            node.size = 9 << 40
            node.version = VersionID(8)
            node.isPublished = true
            try journal.apply([.updateNode(node)])
            #expect(try journal.node(FileID(2)) == node)
            #expect(try journal.node(FileID(3)) == nil)
            #expect(try journal.child(try FileName("b"), of: .root) == nil)
        }
    }

    @Test("tells names apart by their bytes and lists them in that order", arguments: JournalUnderTest.allCases)
    func comparesBytes(kind: JournalUnderTest) throws {
        try kind.with { journal in
            let composed = try Samples.file(2, "caf\u{e9}")
            let decomposed = try Samples.file(3, "cafe\u{301}")
            let others = try ["CAF\u{c9}", "Z", "a", "\u{1f600}", "\u{fffd}"].enumerated().map {
                try Samples.file(UInt64(4 + $0), $1)
            }
            try journal.apply(([composed, decomposed] + others).map { .insertNode($0) })
            #expect(try journal.child(try FileName("caf\u{e9}"), of: .root)?.file == FileID(2))
            #expect(try journal.child(try FileName("cafe\u{301}"), of: .root)?.file == FileID(3))

            let listed = try journal.children(of: .root, after: nil, limit: 100)
            let names = listed.compactMap(\.name)
            #expect(names == names.sorted())
            #expect(names.count == 7)
            let page = try journal.children(of: .root, after: names[2], limit: 2)
            #expect(page == Array(listed[3..<5]))
        }
    }

    @Test("lets two nodes take each other's name, once", arguments: JournalUnderTest.allCases)
    func exchange(kind: JournalUnderTest) throws {
        try kind.with { journal in
            try journal.apply([.insertNode(try Samples.file(2, "a")), .insertNode(try Samples.file(3, "b"))])
            for _ in 0..<2 {
                try journal.apply([
                    .exchangeNodes(
                        NodePlace(file: FileID(2), parent: .root, name: try FileName("b")),
                        NodePlace(file: FileID(3), parent: .root, name: try FileName("a")))
                ])
                #expect(try journal.child(try FileName("a"), of: .root)?.file == FileID(3))
                #expect(try journal.child(try FileName("b"), of: .root)?.file == FileID(2))
            }
        }
    }

    @Test("never has one name twice, and then changes nothing at all", arguments: JournalUnderTest.allCases)
    func namesAreUnique(kind: JournalUnderTest) throws {
        try kind.with { journal in
            try journal.apply([.insertNode(try Samples.file(2, "a")), .insertNode(try Samples.file(3, "b"))])
            #expect(throws: JournalError.self) {
                try journal.apply([
                    .setFact(name: "x", value: "1"), .insertNode(try Samples.file(4, "c")),
                    .moveNode(FileID(3), parent: .root, name: try FileName("a")),
                ])
            }
            #expect(try journal.fact("x") == nil)
            #expect(try journal.node(FileID(4)) == nil)
            #expect(try journal.child(try FileName("b"), of: .root)?.file == FileID(3))
            #expect(try journal.highestIdentifiers().file == FileID(3))
            #expect(throws: JournalError.self) { try journal.apply([.insertNode(try Samples.file(9, "a"))]) }

            // As rename(2) over a file does it.
            try journal.apply([
                .removeNode(FileID(2)), .moveNode(FileID(3), parent: .root, name: try FileName("a")),
            ])
            #expect(try journal.child(try FileName("a"), of: .root)?.file == FileID(3))
        }
    }

    @Test("refuses a node without a parent, and to lose a directory's content", arguments: JournalUnderTest.allCases)
    func hasNoOrphans(kind: JournalUnderTest) throws {
        try kind.with { journal in
            #expect(throws: JournalError.self) { try journal.apply([.insertNode(try Samples.file(2, "a", in: 77))]) }
            try journal.apply([
                .insertNode(try Samples.directory(2, "d")), .insertNode(try Samples.file(3, "a", in: 2)),
            ])
            #expect(throws: JournalError.self) { try journal.apply([.removeNode(FileID(2))]) }
            #expect(throws: JournalError.self) { try journal.apply([.removeNode(.root)]) }
            try journal.apply([.removeNode(FileID(3)), .removeNode(FileID(2))])
            #expect(try journal.children(of: .root, after: nil, limit: 1).isEmpty)
        }
    }

    @Test("knows whether anything below a directory is published", arguments: JournalUnderTest.allCases)
    func findsPublished(kind: JournalUnderTest) throws {
        try kind.with { journal in
            var deep = try Samples.file(5, "f", in: 4)
            try journal.apply([
                .insertNode(try Samples.directory(2, "a")), .insertNode(try Samples.directory(3, "b")),
                .insertNode(try Samples.directory(4, "c", in: 2)), .insertNode(deep),
            ])
            #expect(try !journal.hasPublishedDescendant(FileID(2)))
            #expect(try !journal.hasPublishedDescendant(.root))
            deep.isPublished = true
            try journal.apply([.updateNode(deep)])
            #expect(try journal.hasPublishedDescendant(FileID(2)))
            #expect(try journal.hasPublishedDescendant(.root))
            #expect(try !journal.hasPublishedDescendant(FileID(3)))
            #expect(try !journal.hasPublishedDescendant(FileID(5)))
        }
    }

    @Test("keeps extended attributes, and loses them with their node", arguments: JournalUnderTest.allCases)
    func extendedAttributes(kind: JournalUnderTest) throws {
        try kind.with { journal in
            let file = FileID(2)
            try journal.apply([
                .insertNode(try Samples.file(2, "a")),
                .setExtendedAttribute(file, name: "user.b", value: [0, 255, 0]),
                .setExtendedAttribute(file, name: "user.a", value: []),
            ])
            #expect(try journal.extendedAttribute("user.b", of: file) == [0, 255, 0])
            #expect(try journal.extendedAttribute("user.a", of: file) == [])
            #expect(try journal.extendedAttribute("user.c", of: file) == nil)
            #expect(try journal.extendedAttributeNames(of: file) == ["user.a", "user.b"])
            try journal.apply([.setExtendedAttribute(file, name: "user.b", value: nil)])
            #expect(try journal.extendedAttributeNames(of: file) == ["user.a"])
            try journal.apply([.removeNode(file), .setExtendedAttribute(file, name: "user.z", value: [1])])
            #expect(try journal.extendedAttributeNames(of: file) == [])
        }
    }

    @Test("never gives a number out again", arguments: JournalUnderTest.allCases)
    func numbersAreForever(kind: JournalUnderTest) throws {
        try kind.with { journal in
            try journal.apply([
                .insertNode(try Samples.file(9, "a", version: 20)), .insertNode(try Samples.file(8, "b")),
                .insertUpload(Samples.upload(30, of: 9)), .insertUpload(Samples.upload(29, of: 8)),
            ])
            try journal.apply([.removeNode(FileID(9)), .removeUpload(VersionID(30))])
            let highest = try journal.highestIdentifiers()
            #expect(highest == (FileID(9), VersionID(30)))
        }
    }
}
