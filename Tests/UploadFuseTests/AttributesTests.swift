import TestSupport
import Testing
import UploadCore

@testable import UploadFuse

@Suite("Attributes, extended and plain")
struct AttributesTests {
    let fixture: FileSystemFixture
    let inode: UInt64

    init() throws {
        fixture = try FileSystemFixture()
        inode = try fixture.make("a.txt")
        _ = fixture.uploads.takeEvents()
    }

    @Test("user.* is kept, listed, replaced and removed")
    func kept() throws {
        let fileSystem = fixture.fileSystem
        try fileSystem.setExtendedAttribute("user.a", to: [1, 2], of: inode, mode: .any)
        #expect(try fileSystem.extendedAttribute("user.a", of: inode) == [1, 2])
        #expect(try fileSystem.extendedAttributeNames(of: inode) == ["user.a"])
        #expect(throws: FileSystemError.attributeExists) {
            try fileSystem.setExtendedAttribute("user.a", to: [], of: inode, mode: .mustBeNew)
        }
        #expect(throws: FileSystemError.noSuchAttribute) {
            try fileSystem.setExtendedAttribute("user.b", to: [], of: inode, mode: .mustExist)
        }
        try fileSystem.removeExtendedAttribute("user.a", of: inode)
        #expect(throws: FileSystemError.noSuchAttribute) { try fileSystem.extendedAttribute("user.a", of: inode) }
        #expect(throws: FileSystemError.noSuchAttribute) {
            try fileSystem.removeExtendedAttribute("user.a", of: inode)
        }
        #expect(fixture.uploads.takeEvents() == ["touched \(inode)", "touched \(inode)"])
    }

    @Test("Values have up to 64 KiB")
    func limits() throws {
        let largest = [UInt8](repeating: 7, count: 65_536)
        try fixture.fileSystem.setExtendedAttribute("user.a", to: largest, of: inode, mode: .any)
        #expect(throws: FileSystemError.attributeTooLarge) {
            try fixture.fileSystem.setExtendedAttribute("user.a", to: largest + [1], of: inode, mode: .any)
        }
    }

    @Test("Other namespaces are not ours", arguments: ["system.posix_acl_access", "trusted.a", "other"])
    func otherNamespaces(name: String) throws {
        #expect(throws: FileSystemError.unsupported) { try fixture.fileSystem.extendedAttribute(name, of: inode) }
        #expect(throws: FileSystemError.unsupported) {
            try fixture.fileSystem.setExtendedAttribute(name, to: [], of: inode, mode: .any)
        }
    }

    @Test("security.* is never there")
    func security() throws {
        #expect(throws: FileSystemError.noSuchAttribute) {
            try fixture.fileSystem.extendedAttribute("security.capability", of: inode)
        }
    }

    @Test("user.uploadfs.* tells what becomes of the file, whatever is written to it")
    func virtual() throws {
        fixture.uploads.set(try .sample(inode, .done, url: "http://x/a.txt"))
        let fileSystem = fixture.fileSystem
        let text = { (name: String) throws in
            String(decoding: try fileSystem.extendedAttribute("user.uploadfs." + name, of: inode), as: UTF8.self)
        }
        #expect(try text("phase") == "done")
        #expect(try text("progress") == "100.0%")
        #expect(try text("url") == "http://x/a.txt")
        #expect(try text("digest") == "sha-256=:x:")
        #expect(throws: FileSystemError.noSuchAttribute) { try text("error") }
        #expect(try fileSystem.extendedAttributeNames(of: inode).count == 4)
        // mv and rsync -X bring the attributes of the file they copy along.
        try fileSystem.setExtendedAttribute("user.uploadfs.phase", to: [1], of: inode, mode: .any)
        #expect(try text("phase") == "done")
    }

    @Test("Mode, owner and times are journalled, and the engine hears of them")
    func plain() throws {
        let moment = Timestamp(seconds: -1, nanoseconds: 5)
        let entry = try fixture.fileSystem.change(
            inode, AttributeChange(mode: 0o100640, owner: 5, group: 6, accessed: .at(moment), modified: .at(moment)))
        #expect(entry.attributes.permissions == 0o640)
        #expect(entry.attributes.times.modified == moment)
        let kept = try #require(try fixture.journal.node(FileID(inode))).attributes
        #expect((kept.owner, kept.group) == (5, 6))
        #expect(kept.modified == moment)
        #expect(fixture.uploads.takeEvents() == ["touched \(inode)"])
    }

    @Test(
        "Every error has its errno",
        arguments: [
            (FileSystemError.published, 1), (.notFound, 2), (.tooLarge, 27), (.noSpace, 28), (.renameOfPublished, 18),
            (.nameTooLong, 36), (.nameNotUTF8, 84), (.noSuchAttribute, 61), (.unsupported, 95), (.interrupted, 4),
            (.journal(.noSpace), 28), (.spool(.missing(VersionID(1))), 5),
        ] as [(FileSystemError, Int32)])
    func errno(error: FileSystemError, code: Int32) {
        #expect(error.code == code)
    }
}
