import Glibc
import TestSupport
import Testing
import UploadCore

@testable import UploadFuse

/// `--allow-type`: by name when a name is given, by content at the close.
@Suite struct ValidationTests {
    private let fixture: FileSystemFixture

    init() throws { fixture = try FileSystemFixture(types: ["image/*", "text/plain"]) }

    @Test("A name of another type is refused when it is made or renamed to; temporary names and litter are not")
    func names() throws {
        #expect(throws: FileSystemError.typeRefused) { try fixture.create("a.zip") }
        #expect(throws: FileSystemError.typeRefused) { try fixture.create("no suffix") }
        #expect(try fixture.names().isEmpty)
        try fixture.make("a.zip.part")
        try fixture.make(".DS_Store")
        #expect(throws: FileSystemError.typeRefused) { try fixture.rename("a.zip.part", to: "a.zip") }
        try fixture.rename("a.zip.part", to: "a.txt")
        #expect(throws: FileSystemError.typeRefused) { try fixture.rename("a.txt", to: "a.zip") }
        _ = try fixture.makeDirectory("d.zip")
    }

    @Test("A content that is evidently another is told at the close, and not published; its name can be written anew")
    func content() throws {
        let handle = try fixture.create("a.png")
        try fixture.write(handle, "%PDF-1.7 and so on")
        _ = fixture.uploads.takeEvents()
        #expect(throws: FileSystemError.typeRefused) { try fixture.close(handle) }
        #expect(fixture.uploads.takeEvents().contains("spoiled 1 type-refused"))
        #expect(try fixture.journal.upload(VersionID(1))?.closed == nil)
        let again = try fixture.open(2, O_WRONLY | O_TRUNC)
        try fixture.write(again, "no format that is known")
        try fixture.close(again)
        #expect(try fixture.journal.newestUpload(of: FileID(2))?.closedSize == 23)
    }

    @Test("Where nothing is said all is taken")
    func unrestricted() throws {
        let open = try FileSystemFixture()
        try open.make("a.zip", "#!/bin/sh")
    }
}
