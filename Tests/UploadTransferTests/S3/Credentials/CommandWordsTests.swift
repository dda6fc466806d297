import Testing

@testable import UploadTransfer

@Suite("A command line without a shell")
struct CommandWordsTests {
    @Test(
        "is taken apart as a shell would",
        arguments: [
            ("a b", ["a", "b"]), ("  a\t b ", ["a", "b"]), ("", []), ("'a b' c", ["a b", "c"]),
            ("\"a b\"c", ["a bc"]), ("a\\ b", ["a b"]), ("\"a\\\"b\\\\c\\d\"", ["a\"b\\c\\d"]), ("'a\\'", ["a\\"]),
            ("'' \"\"", ["", ""]), ("a$HOME;b|c*", ["a$HOME;b|c*"]), ("'ä'\"ö\"", ["äö"]),
            ("a 'b", nil), ("a \"b", nil), ("a\\", nil),
        ] as [(String, [String]?)])
    func words(line: String, expected: [String]?) {
        #expect(CommandWords.split(line) == expected)
    }
}
