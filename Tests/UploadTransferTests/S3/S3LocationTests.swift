import Testing
import UploadCore

@testable import UploadTransfer

@Suite("s3://BUCKET/PREFIX")
struct S3LocationTests {
    @Test(
        "names a bucket, a prefix, and the server that has them",
        arguments: [
            ("s3://b1", "b1.s3.us-east-1.amazonaws.com", "/k", ""),
            ("s3://b1/", "b1.s3.us-east-1.amazonaws.com", "/k", ""),
            ("s3://b1/p/q/", "b1.s3.us-east-1.amazonaws.com", "/k", "p/q/"),
            ("s3://b1?region=eu-west-1", "b1.s3.eu-west-1.amazonaws.com", "/k", ""),
            ("s3://b.1", "s3.us-east-1.amazonaws.com", "/b.1/k", ""),
            ("s3://b1/p?endpoint=http://127.0.0.1:8333", "127.0.0.1:8333", "/b1/k", "p/"),
            ("s3://b1?endpoint=https://h:443/base/", "h", "/base/b1/k", ""),
            ("s3://b1?endpoint=h.example&path-style=false", "b1.h.example", "/k", ""),
            ("s3://b1?endpoint=http://[::1]:9000", "[::1]:9000", "/b1/k", ""),
        ])
    func locations(url: String, host: String, path: String, prefix: String) throws {
        let location = try S3Location(url)
        #expect(location.host(in: location.region ?? "us-east-1") == host)
        #expect(location.path("k") == path)
        #expect(location.prefix == prefix)
        #expect(location.scheme == (url.contains("http:") ? "http" : "https"))
    }

    @Test("takes the region of the environment where the URL has none")
    func region() throws {
        #expect(try S3Location("s3://b1", region: "eu-central-1").region == "eu-central-1")
        // A bucket that is said to lie elsewhere is asked there.
        #expect(try S3Location("s3://b1").host(in: "eu-central-1") == "b1.s3.eu-central-1.amazonaws.com")
        #expect(try S3Location("s3://b1").host(in: "cn-north-1") == "b1.s3.cn-north-1.amazonaws.com.cn")
        #expect(try S3Location("s3://b1?endpoint=http://h").host(in: "eu-central-1") == "h")
        #expect(try S3Location("s3://b1?region=x", region: "eu-central-1").region == "x")
    }

    @Test("is at the server of the environment where the URL names none")
    func endpoint() throws {
        let location = try S3Location("s3://b1/p", endpoint: "http://h:9000")
        #expect(location.host(in: "x") == "h:9000" && location.path("k") == "/b1/k" && location.scheme == "http")
        #expect(try S3Location("s3://b1?endpoint=http://g", endpoint: "http://h").host(in: "x") == "g")
        #expect(throws: S3Location.Problem.self) { try S3Location("s3://b1", endpoint: "ftp://h") }
    }

    @Test("cuts into growing parts, or into those that are asked for; Cloudflare's into equal ones")
    func parts() throws {
        #expect(try S3Location("s3://b").schedule == .doubling(8 << 20))
        #expect(try S3Location("s3://b?part-size=16MiB").schedule == .equal(16 << 20))
        #expect(try S3Location("s3://b?endpoint=https://id.r2.cloudflarestorage.com").schedule == .equal(64 << 20))
    }

    @Test("encodes each byte of a key that is not unreserved")
    func keys() throws {
        let location = try S3Location("s3://b1/ü?endpoint=http://h")
        let key = location.key(try UploadPath("a b/+&?#%~.txt"))
        #expect(key == "ü/a b/+&?#%~.txt")
        #expect(location.path(key) == "/b1/%C3%BC/a%20b/%2B%26%3F%23%25~.txt")
        #expect(location.url(key) == "s3://b1/ü/a b/+&?#%~.txt")
        #expect(location.path(nil) == "/b1")
        // Which combine with the slash before them.
        #expect(location.path("d/\u{301}x/%2F") == "/b1/d/%CC%81x/%252F")
    }

    @Test(
        "says what is wrong",
        arguments: [
            ("s3:///p", "s3://BUCKET"), ("http://b", "s3://BUCKET"), ("s3://b?zone=x", "zone"),
            ("s3://b?endpoint=ftp://h", "endpoint"), ("s3://b?path-style=maybe", "path-style"),
            ("s3://key:secret@b", "AWS_ACCESS_KEY_ID"), ("s3://key:se/cret@b", "AWS_ACCESS_KEY_ID"),
            ("s3://b?endpoint=http://key:secret@h", "AWS_ACCESS_KEY_ID"), ("s3://b/a/../c", "prefix"),
            ("s3://b?part-size=1MiB", "part-size"), ("s3://b?part-size=64", "part-size"),
            ("s3://b?part-size=99999999999999MiB", "part-size"),
        ])
    func problems(url: String, word: String) {
        do {
            _ = try S3Location(url)
            Issue.record("taken")
        } catch {
            #expect(error.text.contains(word))
            #expect(!error.text.contains("cret@"))
        }
    }
}
