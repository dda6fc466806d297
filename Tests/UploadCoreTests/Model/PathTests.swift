import Testing
import UploadCore

@Suite struct FileNameTests {
    @Test("Names are bytes: one code point and two are different files, though Strings call them equal")
    func bytes() throws {
        let composed = try FileName("\u{E9}")
        let decomposed = try FileName("e\u{301}")
        #expect(composed.text == decomposed.text)
        #expect(composed != decomposed)
        #expect(Set([composed, decomposed]).count == 2)
    }

    @Test(
        "What is no name is refused, and told why",
        arguments: zip(
            [
                [], Array(".".utf8), Array("..".utf8), Array("a/b".utf8), [0x61, 0], [0xFF, 0xFE],
                Array(repeating: 0x61, count: 256),
            ],
            [FileNameError.notAName, .notAName, .notAName, .notAName, .notAName, .notUTF8, .tooLong]))
    func refused(bytes: [UInt8], error: FileNameError) {
        #expect(throws: error) { try FileName(bytes: bytes) }
    }

    @Test(
        "255 bytes, newlines, quotes and dots are fine",
        arguments: [
            String(repeating: "a", count: 255), "a\nb", "\"'`$(rm)", "...", "..a", " ", "*?",
        ])
    func taken(text: String) throws {
        #expect(try FileName(bytes: Array(text.utf8)).text == text)
    }
}

@Suite struct UploadPathTests {
    @Test(
        "Paths that climb, or are absolute, are none",
        arguments: ["", "/a", "a//b", "a/../b", "../a", "a/", "./a", "a/."])
    func refused(text: String) {
        #expect(throws: FileNameError.self) { try UploadPath(text) }
    }

    @Test(
        "URLs keep slashes and escape all that RFC 3986 does not call unreserved",
        arguments: zip(
            ["a/b.txt", "a b", "é", "100%", "a+b&c?d#e", "~x-y_z", "a\nb"],
            ["a/b.txt", "a%20b", "%C3%A9", "100%25", "a%2Bb%26c%3Fd%23e", "~x-y_z", "a%0Ab"]))
    func percentEncoding(text: String, encoded: String) throws {
        #expect(try UploadPath(text).percentEncoded == encoded)
        #expect(PercentEncoding.decode(encoded) == text)
    }

    @Test("Broken escapes are none", arguments: ["%", "%4", "%zz", "%ff"])
    func brokenEscapes(text: String) {
        #expect(PercentEncoding.decode(text) == nil)
    }
}
