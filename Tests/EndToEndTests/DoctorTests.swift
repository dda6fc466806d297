import Foundation
import TestSupport
import Testing
import UploadCore
import UploadTransfer

extension EndToEnd {
    /// `uploadfs doctor` with real servers.
    @Suite struct DoctorTests {
        private func doctor(
            _ words: [String], _ environment: [String: String] = BucketKeys.environment
        ) throws -> (code: Int32, output: String) {
            let program = try Program(Binary.path, ["doctor"] + words, environment: environment)
            defer { program.end(within: 1) }
            let code = try #require(program.waitForEnd(within: 60), "still running: \(program.output)")
            return (code, program.finalOutput())
        }

        @Test("This machine, on which the other tests mount, lacks nothing", .timeLimit(.minutes(1)))
        func machine() throws {
            let (code, output) = try doctor([])
            #expect(code == 0 && output.hasPrefix("This machine\n") && !output.contains("FAIL"), "\(output)")
        }

        @Test("A bucket where all is allowed: it says so, and leaves nothing in it", .timeLimit(.minutes(2)))
        func bucket() async throws {
            let store = try ObjectStore()
            let (code, output) = try doctor([store.url("pre")])
            #expect(code == 0 && !output.contains("FAIL") && !output.contains("Denied"), "\(output)")
            for ask in S3Ask.allCases { #expect(output.contains("ok    \(ask.rawValue) "), "\(ask): \(output)") }
            #expect(try store.listing() == [])
            #expect(!(try Shell.must(store.rclone("backend list-multipart-uploads :s3:bucket"))).contains("UploadId"))
        }

        @Test(
            "Multipart uploads that nobody has finished are listed, with the command that removes them",
            .timeLimit(.minutes(2)))
        func unfinished() async throws {
            let store = try ObjectStore()
            let client = try CurlClient()
            let destination = S3Destination(
                try S3Location(store.url("pre")), client: client,
                credentials: FixedCredentials(
                    S3Credentials(accessKey: BucketKeys.access, secretKey: BucketKeys.secret)))
            let session = try await destination.begin(
                ObjectDescription(
                    path: try UploadPath("left"), size: nil, contentType: "text/plain",
                    modified: Timestamp(seconds: 5), mode: 0o600))
            await client.shutdown()
            let (code, output) = try doctor([store.url("pre"), "--older-than", "0s", "--json"])
            #expect(code == 0, "\(output)")
            let object = try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any]
            let unfinished = try #require(object?["unfinished"] as? [[String: Any]])
            #expect(unfinished.map { $0["key"] as? String } == ["pre/left"])
            let command = try #require(unfinished.first?["command"] as? String)
            #expect(command.contains("--bucket bucket --key pre/left --upload-id "), "\(session.token) \(command)")
            let young = try doctor([store.url("pre")]).output
            #expect(young.contains("None is older than 1d."), "\(young)")
        }

        @Test(
            "Wrong keys, none, a bucket that is not there, nobody there, and no URL: each has its code",
            .timeLimit(.minutes(2)))
        func refused() throws {
            let store = try ObjectStore()
            let home = try TemporaryDirectory()
            let wrong = try doctor(
                [store.url()], ["AWS_ACCESS_KEY_ID": "AKTEST", "AWS_SECRET_ACCESS_KEY": "wrong-secret"])
            #expect(wrong.code == 77 && !wrong.output.contains("wrong-secret"), "\(wrong)")
            let none = try doctor([store.url()], ["AWS_EC2_METADATA_DISABLED": "true", "HOME": home.path])
            #expect(none.code == 78 && none.output.contains("AWS_ACCESS_KEY_ID"), "\(none)")
            let missing = try doctor(["s3://nowhere?endpoint=http://127.0.0.1:\(store.port)"])
            #expect(missing.code == 78 && missing.output.contains("aws s3 mb s3://nowhere"), "\(missing)")
            let dead = try doctor(["s3://bucket?endpoint=http://127.0.0.1:1"])
            #expect(dead.code == 69 && dead.output.contains("connection refused"), "\(dead)")
            #expect(try doctor(["nonsense"]).code == 2)
            #expect(try doctor(["http://127.0.0.1:1"]).code == 69)
        }

        @Test("An upload server: its limits, and whether it lets us in", .timeLimit(.minutes(1)))
        func server() throws {
            let scene = try Scene()
            let server = try scene.server(
                options: ["--max-file-size", "5MB"], environment: ["UPLOADFS_TOKEN": "good-token"])
            let url = "http://127.0.0.1:\(server.port)"
            let good = try doctor([url], ["UPLOADFS_TOKEN": "good-token"])
            #expect(good.code == 0 && good.output.contains("5.0 MB"), "\(good)")
            let bad = try doctor([url], ["UPLOADFS_TOKEN": "bad-token"])
            #expect(bad.code == 77 && !bad.output.contains("bad-token"), "\(bad)")
            #expect(try doctor([url], [:]).code == 77)
        }
    }
}
