import Testing
import UploadCore

@testable import UploadTransfer

@Suite("A look at a bucket", .timeLimit(.minutes(1)))
struct S3ExaminationTests {
    private func look(
        _ manner: BucketServer.Manner = BucketServer.Manner(), age: Duration = .seconds(86_400),
        _ prepare: (BucketServer) -> Void = { _ in }
    ) async throws -> (findings: S3Findings, server: BucketServer) {
        let server = try BucketServer(manner)
        defer { server.stop() }
        prepare(server)
        let client = try CurlClient()
        let findings = await S3Examination.run(
            try S3Location("s3://b/pre?endpoint=\(server.endpoint)"), client: client,
            credentials: FixedCredentials(S3Credentials(accessKey: "A", secretKey: "S")), options: S3Options(), age: age
        )
        await client.shutdown()
        return (findings, server)
    }

    @Test("makes each request that a mount makes, below a key of its own, and takes all of it away")
    func whole() async throws {
        let (findings, server) = try await look()
        #expect(findings.obstacle == nil)
        for ask in S3Ask.allCases { #expect(findings.outcomes[ask] == .allowed, "\(ask)") }
        #expect(findings.conditions == .kept && findings.checksums == .kept && !findings.isOtherRegion)
        #expect(findings.leftovers.isEmpty && findings.unfinished == [])
        #expect(server.withState { $0.objects.isEmpty && $0.uploads.isEmpty })
        let asked = Set(server.seen.map(BucketServer.operation))
        #expect(asked == Set(S3Ask.allCases.map(\.rawValue)))
        let keys = server.seen.filter { BucketServer.operation($0) != "ListObjectsV2" }.map(\.target)
        #expect(keys.allSatisfy { $0.hasPrefix("/b/pre/.uploadfs-doctor-") || $0.hasPrefix("/b?uploads=") }, "\(keys)")
    }

    @Test("tells what is denied, each by itself, and goes on with the others", arguments: S3Ask.allCases)
    func denied(_ ask: S3Ask) async throws {
        var manner = BucketServer.Manner()
        manner.denied = [ask.rawValue]
        let (findings, server) = try await look(manner)
        #expect(findings.obstacle == nil && findings.outcomes[ask] == .denied)
        let others = S3Ask.allCases.filter { $0 != ask }
        let dependent: Set<S3Ask> =
            switch ask {
            case .putObject: [.headObject, .getObject, .copyObject]
            case .createUpload: [.uploadPart, .listParts, .completeUpload, .abortUpload]
            case .uploadPart: [.completeUpload]
            default: []
            }
        for other in others {
            #expect(findings.outcomes[other] == (dependent.contains(other) ? .untested : .allowed), "\(other)")
        }
        let objects = server.withState { $0.objects.keys.sorted() }
        let uploads = server.withState { $0.uploads.count }
        switch ask {
        case .deleteObject: #expect(findings.leftovers.count == 3 && objects.count == 3)
        case .abortUpload: #expect(findings.leftovers.count == 1 && uploads == 1)
        default: #expect(findings.leftovers.isEmpty && objects.isEmpty && uploads == 0)
        }
        #expect((findings.unfinished == nil) == (ask == .listUploads))
    }

    @Test("tells what the server takes no notice of, and where it is")
    func manners() async throws {
        var manner = BucketServer.Manner()
        manner.holdsConditions = false
        manner.checksums = .ignored
        manner.region = "eu-north-1"
        var findings = try await look(manner).findings
        #expect(findings.conditions == .ignored && findings.checksums == .ignored)
        #expect(findings.isOtherRegion && findings.region == "eu-north-1")
        manner.checksums = .refused
        findings = try await look(manner).findings
        #expect(findings.checksums == .refused && findings.outcomes[.putObject] == .allowed)
    }

    @Test("lists the uploads that nobody has finished, by their age")
    func unfinished() async throws {
        func begin(_ server: BucketServer) {
            server.begin("pre/old", after: -90_000, parts: 2)
            server.begin("pre/new", after: -100)
            server.begin("other/old", after: -90_000)
        }
        let old = try await look { begin($0) }.findings.unfinished
        #expect(old?.map(\.key) == ["pre/old"] && old?.first?.upload == "u1")
        // And some more, which this test takes.
        #expect((90_000...93_600).contains(old?.first?.age ?? 0))
        let all = try await look(age: .zero) { begin($0) }.findings.unfinished
        #expect(all?.map(\.key).sorted() == ["pre/new", "pre/old"])
    }

    @Test("ends where nobody is let in")
    func obstacles() async throws {
        var manner = BucketServer.Manner()
        manner.isExpired = true
        let findings = try await look(manner).findings
        #expect(findings.obstacle == .unauthorized(status: 400) && findings.outcomes.isEmpty)
    }

    @Test("gives lines for a shell and statements for a policy that say what to do")
    func words() throws {
        let location = try S3Location("s3://b/pre?endpoint=http://127.0.0.1:1&region=eu-west-1")
        #expect(
            location.abortCommand(key: "pre/it's", upload: "a.b~c")
                == "aws s3api abort-multipart-upload --bucket b --key 'pre/it'\\''s' --upload-id 'a.b~c' "
                + "--endpoint-url http://127.0.0.1:1 --region eu-west-1")
        #expect(
            try S3Location("s3://b").removeCommand(key: "a b") == "aws s3 rm 's3://b/a b'")
        #expect(
            location.policy(allowing: [.copyObject, .putObject, .listUploads, .deleteObject])
                == #"{"Effect": "Allow", "Action": ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"], "Resource": "arn:aws:s3:::b/pre/*"}"#
                + ",\n"
                + #"{"Effect": "Allow", "Action": ["s3:ListBucketMultipartUploads"], "Resource": "arn:aws:s3:::b"}"#)
        #expect(location.policy(allowing: []) == "")
    }

    @Test("names where the credentials are from, and nothing of them")
    func origins() {
        let keys = ["AWS_ACCESS_KEY_ID": "AK", "AWS_SECRET_ACCESS_KEY": "SK"]
        let section = ["aws_access_key_id": "AK", "aws_secret_access_key": "SK"]
        #expect(CredentialBench.settings(keys).origin == "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
        let profile = CredentialBench.settings(["AWS_PROFILE": "p"], credentials: ["p": section])
        #expect(profile.origin == "the profile \"p\"")
        let role = CredentialBench.settings(
            ["AWS_PROFILE": "r"], credentials: ["p": section],
            config: ["profile r": ["role_arn": "arn:r", "source_profile": "p"]])
        #expect(role.origin == "the role arn:r, taken with keys of the shared files")
        #expect(CredentialBench.settings(["AWS_EC2_METADATA_DISABLED": "true"]).origin == nil)
    }
}
