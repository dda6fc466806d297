import Testing
import UploadCore

@testable import UploadTransfer

@Suite("Rules for a bucket's objects")
struct S3ObjectRulesTests {
    private func fields(_ rules: S3ObjectRules?, _ name: String) throws -> [String] {
        try #require(rules).fields(for: UploadPath(name)).map { "\($0.name): \($0.value)" }
    }

    @Test("The last rule that fits a name counts, in any directory")
    func patterns() throws {
        let rules = S3ObjectRules(
            "cache-control=public, max-age=60; *.html cache-control=no-cache ;*.log storage-class=GLACIER;")
        #expect(try fields(rules, "a.txt") == ["cache-control: public, max-age=60"])
        #expect(try fields(rules, "d/a.html") == ["cache-control: no-cache"])
        #expect(
            try fields(rules, "d/a.log") == ["cache-control: public, max-age=60", "x-amz-storage-class: GLACIER"])
    }

    @Test("A value in quotes may have a semicolon")
    func quoted() throws {
        let rules = S3ObjectRules("*.html content-type=\"text/html; charset=utf-8\"; acl=private")
        #expect(try fields(rules, "a.html") == ["content-type: text/html; charset=utf-8", "x-amz-acl: private"])
        // One that has quotes of its own keeps them.
        let disposition = S3ObjectRules("content-disposition=attachment; acl=private")
        #expect(try fields(disposition, "a") == ["content-disposition: attachment", "x-amz-acl: private"])
    }

    @Test("What is set by itself is for all, and counts less than a rule")
    func defaults() throws {
        var rules = S3ObjectRules()
        #expect(rules.set("tag", to: "a=b&c=d") && rules.set("sse", to: "aws:kms"))
        rules.append(try #require(S3ObjectRules("*.x sse=AES256")))
        #expect(try fields(rules, "y") == ["x-amz-server-side-encryption: aws:kms", "x-amz-tagging: a=b&c=d"])
        #expect(try fields(rules, "y.x").first == "x-amz-server-side-encryption: AES256")
        #expect(S3ObjectRules("") == S3ObjectRules())
    }

    @Test(
        "What is no rule is refused",
        arguments: [
            "*.html", "*.html nothing=1", "a b acl=private", "acl=", "acl=a\u{7f}b", "acl=ü", "=x", "acl=\"private",
        ])
    func refused(text: String) {
        #expect(S3ObjectRules(text) == nil)
    }
}
