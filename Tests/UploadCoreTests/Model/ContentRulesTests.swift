import Testing
import UploadCore

@Suite struct ContentRulesTests {
    @Test(
        "First bytes that leave no doubt tell a type",
        arguments: [
            ([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0], "image/png"),
            ([0xFF, 0xD8, 0xFF, 0xE0], "image/jpeg"),
            (Array("GIF89a...".utf8), "image/gif"), (Array("%PDF-1.4".utf8), "application/pdf"),
            ([0x7F, 0x45, 0x4C, 0x46, 2], "application/x-executable"), (Array("#!/bin/sh".utf8), "text/x-shellscript"),
            ([], nil), ([0x89, 0x50], nil), (Array("PK\u{3}\u{4}".utf8), nil), (Array(" %PDF-".utf8), nil),
        ] as [([UInt8], String?)])
    func evident(bytes: [UInt8], type: String?) {
        #expect(ContentType.evident(in: bytes) == type)
        #expect(bytes.count <= ContentType.evidence)
    }

    @Test(
        "Patterns are whole types, families, or all",
        arguments: [
            ([], "a/b", true), (["*/*"], "a/b", true), (["*"], "a/b", true), (["image/*"], "IMAGE/png", true),
            (["Image/PNG"], "image/png; q=1", true), (["image/*"], "imagex/png", false),
            (["image/png"], "image/pngx", false),
        ])
    func allow(patterns: [String], type: String, isAllowed: Bool) {
        #expect(ContentRules(patterns).allow(type) == isAllowed)
    }
}
