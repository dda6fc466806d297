import Testing
import UploadCore

@Suite("What a listing makes of a name") struct ListingMergeTests {
    private static let moment = Timestamp(seconds: 1)
    private static let attributes = NodeAttributes(
        mode: 0o644, owner: 0, group: 0, accessed: moment, modified: moment, changed: moment)
    private static let object = ListedObject(size: 5, modified: moment, tag: "t")

    private func node(
        _ kind: NodeKind = .file, isPublished: Bool = true, version: Int64? = nil, names: Int = 1,
        hardLinkOf: UInt64? = nil, size: Int64 = 5, tag: String? = "t", listed: Int64? = 1
    ) throws -> NodeRecord {
        NodeRecord(
            file: FileID(2), parent: .root, name: try FileName("a"), kind: kind, attributes: Self.attributes,
            size: kind == .file ? size : 0, version: version.map { VersionID($0) },
            isPublished: kind == .file && isPublished, hardLinkOf: hardLinkOf.map { FileID($0) }, names: names,
            listed: listed, tag: kind == .file ? tag : nil)
    }

    private func upload(_ phase: Phase, size: Int64 = 5) -> UploadRecord {
        UploadRecord(
            version: VersionID(1), file: FileID(2), phase: phase, schedule: .equal(8), contentType: "text/plain",
            created: Self.moment,
            receipt: phase == .done ? PublishReceipt(url: "u", size: size, digest: "d") : nil)
    }

    private func known(
        _ node: NodeRecord, _ upload: UploadRecord? = nil, isInUse: Bool = false
    ) -> ListingMerge.Known {
        ListingMerge.Known(node: node, upload: upload, isInUse: isInUse)
    }

    private func verdict(_ kind: ListedEntry.Kind, _ known: ListingMerge.Known?) throws -> ListingMerge.Verdict {
        ListingMerge.verdict(ListedEntry(name: try FileName("a"), kind: kind), known, listing: 2)
    }

    private func file(
        size: Int64 = 5, tag: String? = "t", _ known: ListingMerge.Known?
    ) throws -> ListingMerge.Verdict {
        try verdict(.file(ListedObject(size: size, modified: Self.moment, tag: tag)), known)
    }

    @Test("What nobody has here comes to be")
    func added() throws {
        #expect(try file(nil) == .added)
        #expect(try verdict(.directory, nil) == .added)
    }

    @Test("A published file is the same with the same size and tag, else it was replaced")
    func published() throws {
        let done = upload(.done)
        for known in [
            known(try node()), known(try node(version: 1), done), known(try node(version: 1)),
            known(try node(version: 1, listed: nil), done),
        ] {
            #expect(try file(known) == .same)
            #expect(try file(size: 6, known) == .replaced)
            #expect(try file(tag: "other", known) == .replaced)
        }
    }

    @Test("Where a tag is not known the size has to do")
    func untagged() throws {
        let known = known(try node(version: 1, tag: nil), upload(.done))
        #expect(try file(known) == .same)
        #expect(try file(tag: nil, self.known(try node())) == .same)
        #expect(try file(size: 6, tag: nil, known) == .replaced)
    }

    @Test("What is not published, or just being published, goes before what is listed")
    func dirty() throws {
        for phase in Phase.allCases where phase != .done {
            #expect(try file(size: 6, known(try node(version: 1), upload(phase))) == .kept)
            let unpublished = self.known(try node(version: 1), upload(phase))
            #expect(!ListingMerge.mayVanish(unpublished, before: 2))
        }
        for known in [
            known(try node(isPublished: false, version: 1, listed: nil), upload(.queued)),
            known(try node(version: 1), upload(.done), isInUse: true), known(try node(), isInUse: true),
        ] {
            #expect(try file(size: 6, known) == .kept)
            #expect(!ListingMerge.mayVanish(known, before: 2))
        }
    }

    @Test("What was published since the listing was begun is not judged by it")
    func publishedSince() throws {
        let known = known(try node(version: 1, listed: 2), upload(.done))
        #expect(try file(size: 6, known) == .kept)
        #expect(!ListingMerge.mayVanish(known, before: 2))
        #expect(ListingMerge.mayVanish(known, before: 3))
    }

    @Test("Files with several names, and symbolic links, are left alone")
    func names() throws {
        for known in [
            known(try node(version: 1, names: 2), upload(.done)),
            known(try node(version: 1, hardLinkOf: 9), upload(.done)), known(try node(.link)),
        ] {
            #expect(try file(size: 6, known) == .kept)
            #expect(try verdict(.directory, known) == .leftOut)
            #expect(!ListingMerge.mayVanish(known, before: 2))
        }
    }

    @Test("An object and something below it can't both be seen: the directory is, unless a file is of this mount")
    func clash() throws {
        let directory = known(try node(.directory))
        #expect(try verdict(.directory, directory) == .same)
        #expect(try file(directory) == .leftOut)
        #expect(try verdict(.directory, known(try node())) == .displaced)
        #expect(try verdict(.directory, known(try node(), isInUse: true)) == .leftOut)
        #expect(try verdict(.directory, known(try node(version: 1), upload(.done))) == .leftOut)
    }

    @Test("What is not listed any more goes, and what never was at the destination stays")
    func vanished() throws {
        #expect(ListingMerge.mayVanish(known(try node()), before: 2))
        #expect(ListingMerge.mayVanish(known(try node(version: 1), upload(.done)), before: 2))
        #expect(ListingMerge.mayVanish(known(try node(.directory)), before: 2))
        #expect(!ListingMerge.mayVanish(known(try node(.directory, listed: nil)), before: 2))
        #expect(!ListingMerge.mayVanish(known(try node()), before: 1))
    }
}
