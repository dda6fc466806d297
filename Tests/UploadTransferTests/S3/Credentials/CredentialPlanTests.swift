import Testing

@testable import UploadTransfer

@Suite("Where credentials are to be had from")
struct CredentialPlanTests {
    struct Row: Sendable, CustomStringConvertible {
        let description: String
        var environment: [String: String] = [:]
        var credentials: [String: CredentialSettings.Section] = [:]
        var config: [String: CredentialSettings.Section] = [:]
        /// The plan in short; where it is refused, a word of the sentence.
        let expected: String

        var settings: CredentialSettings {
            CredentialBench.settings(environment, credentials: credentials, config: config)
        }
    }

    private static let keys = ["aws_access_key_id": "PK", "aws_secret_access_key": "PS"]
    private static let environmentKeys = ["AWS_ACCESS_KEY_ID": "EK", "AWS_SECRET_ACCESS_KEY": "ES"]
    private static let webIdentity = ["AWS_WEB_IDENTITY_TOKEN_FILE": "/token", "AWS_ROLE_ARN": "arn:web"]
    private static let container = ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/id"]
    private static let start = "https://d-1.awsapps.com/start"

    private static func text(_ plan: CredentialPlan) -> String {
        switch plan {
        case .fixed(let keys): "keys \(keys.accessKey)"
        case .webIdentity(let identity): "web \(identity.role) \(identity.tokenFile) \(identity.sessionName ?? "-")"
        case .role(let role, let source): "role \(role.role) by \(text(source))"
        case .singleSignOn(let sign): "sso \(sign.account) \(sign.role) \(sign.portal.url) \(sign.tokenFile)"
        case .process(let process): "process \(process.words.joined(separator: "|"))"
        case .container(let service): "container \(service.url)"
        case .instance(let service): "instance \(service.endpoint.url)"
        }
    }

    static let rows = [
        Row(
            description: "keys of the environment come before all else",
            environment: environmentKeys.merging(webIdentity) { $1 }.merging(container) { $1 },
            credentials: ["default": keys], expected: "keys EK"),
        Row(
            description: "then a web identity", environment: webIdentity.merging(container) { $1 },
            credentials: ["default": keys], expected: "web arn:web /token -"),
        Row(
            description: "whose session may have a name",
            environment: webIdentity.merging(["AWS_ROLE_SESSION_NAME": "me"]) { $1 }, expected: "web arn:web /token me"
        ),
        Row(
            description: "then the profile", environment: container, credentials: ["default": keys],
            expected: "keys PK"),
        Row(
            description: "then a container, though there is a profile without credentials", environment: container,
            config: ["default": ["region": "eu-west-1"]], expected: "container http://169.254.170.2/v2/id"),
        Row(description: "then the instance", expected: "instance http://169.254.169.254"),
        Row(
            description: "at another address", environment: ["AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://h:8/"],
            expected: "instance http://h:8"),
        Row(
            description: "or by IPv6", environment: ["AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE": "IPv6"],
            expected: "instance http://[fd00:ec2::254]"),
        Row(
            description: "an empty variable is none",
            environment: ["AWS_ACCESS_KEY_ID": "", "AWS_WEB_IDENTITY_TOKEN_FILE": ""],
            credentials: ["default": keys], expected: "keys PK"),
        Row(
            description: "a secret alone is no key", environment: ["AWS_SECRET_ACCESS_KEY": "ES"],
            credentials: ["default": keys], expected: "keys PK"),
        Row(
            description: "a profile that is named", environment: ["AWS_PROFILE": "p"],
            credentials: ["default": keys],
            config: ["profile p": ["aws_access_key_id": "XK", "aws_secret_access_key": "s"]],
            expected: "keys XK"),
        Row(
            description: "a profile with a space in its name", environment: ["AWS_PROFILE": "a b"],
            config: ["profile \"a b\"": keys], expected: "keys PK"),
        Row(
            description: "the credentials file's keys count, where both have some", credentials: ["default": keys],
            config: ["default": ["aws_access_key_id": "XK", "aws_secret_access_key": "s", "aws_session_token": "t"]],
            expected: "keys PK"),
        Row(
            description: "a section of the config file without \"profile\" is none but the default",
            environment: ["AWS_PROFILE": "p"], config: ["p": keys], expected: "AWS_PROFILE is \"p\""),
        Row(
            description: "a program", config: ["default": ["credential_process": "/bin/x 'a b' --c"]],
            expected: "process /bin/x|a b|--c"),
        Row(
            description: "a web identity of a profile",
            config: [
                "default": ["role_arn": "arn:r", "web_identity_token_file": "/t", "role_session_name": "n"]
            ], expected: "web arn:r /t n"),
        Row(
            description: "a role with the keys of another profile", environment: ["AWS_PROFILE": "p"],
            credentials: ["base": keys], config: ["profile p": ["role_arn": "arn:r", "source_profile": "base"]],
            expected: "role arn:r by keys PK"),
        Row(
            description: "a role comes before keys of the same profile, and may use them",
            credentials: ["default": keys],
            config: ["default": ["role_arn": "arn:r", "source_profile": "default"]], expected: "role arn:r by keys PK"),
        Row(
            description: "a role with a role", environment: ["AWS_PROFILE": "a"], credentials: ["c": keys],
            config: [
                "profile a": ["role_arn": "arn:a", "source_profile": "b"],
                "profile b": ["role_arn": "arn:b", "source_profile": "c"],
            ], expected: "role arn:a by role arn:b by keys PK"),
        Row(
            description: "keys of a source come before its role", environment: ["AWS_PROFILE": "a"],
            credentials: ["b": keys],
            config: [
                "profile a": ["role_arn": "arn:a", "source_profile": "b"],
                "profile b": ["role_arn": "arn:b", "source_profile": "a"],
            ], expected: "role arn:a by keys PK"),
        Row(
            description: "a role with a container's credentials", environment: container,
            config: ["default": ["role_arn": "arn:r", "credential_source": "EcsContainer"]],
            expected: "role arn:r by container http://169.254.170.2/v2/id"),
        Row(
            description: "a role with the instance's",
            config: ["default": ["role_arn": "arn:r", "credential_source": "Ec2InstanceMetadata"]],
            expected: "role arn:r by instance http://169.254.169.254"),
        Row(
            description: "signing in with a session",
            config: [
                "default": ["sso_session": "s1", "sso_account_id": "1", "sso_role_name": "R"],
                "sso-session s1": ["sso_region": "eu-west-1", "sso_start_url": start],
            ],
            // sha1 of "s1".
            expected: "sso 1 R https://portal.sso.eu-west-1.amazonaws.com "
                + "/home/cache/640d87e741e6aa4c669a82a4cd304787960513ab.json"),
        Row(
            description: "signing in as it was once",
            config: [
                "default": [
                    "sso_region": "cn-north-1", "sso_start_url": start, "sso_account_id": "1", "sso_role_name": "R",
                ]
            ],
            // sha1 of the start URL.
            expected: "sso 1 R https://portal.sso.cn-north-1.amazonaws.com.cn "
                + "/home/cache/0c54b6c27e90660baa89eaad85ac1d5dae26cb7d.json"),
    ]

    @Test("is what the settings say", arguments: rows)
    func plans(_ row: Row) {
        do throws(S3CredentialFailure) {
            #expect(Self.text(try CredentialPlan(row.settings)) == row.expected)
        } catch {
            #expect(error.sentence.contains(row.expected), "\(error.sentence)")
            #expect(error.isConfiguration)
        }
    }

    static let refusals = [
        Row(
            description: "nothing at all", environment: ["AWS_EC2_METADATA_DISABLED": "true"],
            expected: "AWS_ACCESS_KEY_ID"),
        Row(
            description: "half a key", environment: ["AWS_ACCESS_KEY_ID": "EK"], expected: "AWS_SECRET_ACCESS_KEY"),
        Row(
            description: "half a key of a profile", credentials: ["default": ["aws_access_key_id": "PK"]],
            expected: "no aws_secret_access_key"),
        Row(
            description: "a token without a role", environment: ["AWS_WEB_IDENTITY_TOKEN_FILE": "/t"],
            expected: "AWS_ROLE_ARN"),
        Row(
            description: "a one-time password",
            config: ["default": ["role_arn": "r", "source_profile": "b", "mfa_serial": "m"]], expected: "mfa_serial"),
        Row(
            description: "a circle", environment: ["AWS_PROFILE": "a"],
            config: [
                "profile a": ["role_arn": "arn:a", "source_profile": "b"],
                "profile b": ["role_arn": "arn:b", "source_profile": "a"],
            ], expected: "\"a\" → \"b\" → \"a\""),
        Row(
            description: "a profile that is its own source without keys",
            config: ["default": ["role_arn": "arn:a", "source_profile": "default"]], expected: "its own source"),
        Row(
            description: "a source that is not there",
            config: ["default": ["role_arn": "arn:a", "source_profile": "x"]], expected: "\"x\""),
        Row(
            description: "a source without credentials",
            config: ["default": ["role_arn": "arn:a", "source_profile": "x"], "profile x": ["region": "r"]],
            expected: "no credentials"),
        Row(
            description: "two sources",
            config: ["default": ["role_arn": "a", "source_profile": "x", "credential_source": "Environment"]],
            expected: "one of them"),
        Row(description: "no source", config: ["default": ["role_arn": "a"]], expected: "neither source_profile"),
        Row(
            description: "a source of the environment, which has none",
            config: ["default": ["role_arn": "a", "credential_source": "Environment"]],
            expected: "AWS_ACCESS_KEY_ID is not set"),
        Row(
            description: "a source that nobody knows",
            config: ["default": ["role_arn": "a", "credential_source": "Moon"]], expected: "\"Moon\""),
        Row(
            description: "too long a time",
            config: ["default": ["role_arn": "a", "source_profile": "x", "duration_seconds": "50000"]],
            expected: "duration_seconds"),
        Row(
            description: "a session that is not there",
            config: ["default": ["sso_session": "s", "sso_account_id": "1", "sso_role_name": "R"]],
            expected: "sso_session \"s\""),
        Row(
            description: "signing in for no account",
            config: ["default": ["sso_start_url": start, "sso_region": "r"]], expected: "sso_account_id"),
        Row(
            description: "a program whose quotes are open",
            config: ["default": ["credential_process": "x 'y"]], expected: "credential_process"),
        Row(
            description: "a token service that is none",
            environment: webIdentity.merging(["AWS_ENDPOINT_URL_STS": "ftp://h"]) { $1 },
            expected: "AWS_ENDPOINT_URL_STS"),
    ]

    @Test("is refused with the word that mends it", arguments: refusals)
    func refused(_ row: Row) {
        do throws(S3CredentialFailure) {
            Issue.record("taken: \(Self.text(try CredentialPlan(row.settings)))")
        } catch {
            #expect(error.isConfiguration && error.sentence.contains(row.expected), "\(error.sentence)")
        }
    }

    @Test(
        "A container's service is asked by https, or on this machine's link",
        arguments: [
            ("https://anything.example/x?y=z", true), ("http://localhost:90/x", true), ("http://127.1.2.3/x", true),
            ("http://[::1]:90/x", true), ("http://169.254.170.2/x", true), ("http://169.254.170.23/v1", true),
            ("http://[fd00:ec2::23]/v1", true), ("http://127.0.0.1.evil.example/x", false),
            ("http://127.evil.example/x", false), ("http://evil.example/x", false), ("http://169.254.170.3/x", false),
            ("http://localhost@evil.example/x", false), ("http://evil.example\\@127.0.0.1/x", false),
            ("ftp://localhost/x", false), ("/x", false), ("", false),
        ])
    func containers(url: String, isTaken: Bool) {
        let settings = CredentialBench.settings([
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": url, "AWS_EC2_METADATA_DISABLED": "true",
        ])
        let plan = try? CredentialPlan(settings)
        #expect((plan != nil) == isTaken)
    }

    @Test("A plan of a token service is for the region that is set")
    func regions() throws {
        func service(_ more: [String: String]) throws -> SecurityTokenService? {
            let environment = Self.webIdentity.merging(more) { $1 }
            let plan = try CredentialPlan(
                CredentialBench.settings(environment, config: ["default": ["region": "eu-west-1"]]))
            if case .webIdentity(let identity) = plan { return identity.service }
            return nil
        }
        #expect(try service([:])?.endpoint.url == "https://sts.eu-west-1.amazonaws.com")
        #expect(try service(["AWS_REGION": "us-west-2"])?.endpoint.host == "sts.us-west-2.amazonaws.com")
        #expect(try service(["AWS_PROFILE": "x"])?.region == "us-east-1")
        let other = try service(["AWS_ENDPOINT_URL_STS": "http://h:9000/sts/"])
        #expect(other?.endpoint.url == "http://h:9000/sts" && other?.endpoint.host == "h:9000")
    }

    @Test("Plans print no secrets")
    func secrets() throws {
        let settings = CredentialBench.settings([
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://localhost/x", "AWS_CONTAINER_AUTHORIZATION_TOKEN": "secret",
        ])
        #expect(!"\(try CredentialPlan(settings))".contains("secret"))
    }

    @Test("A server of S3 is named by the environment before the profile, unless that is not to count")
    func objectEndpoint() {
        let config = ["profile p": ["endpoint_url": "http://c"]]
        let rows: [([String: String], String?)] = [
            ([:], nil), (["AWS_PROFILE": "p"], "http://c"),
            (["AWS_PROFILE": "p", "AWS_ENDPOINT_URL": "http://b"], "http://b"),
            (["AWS_ENDPOINT_URL": "http://b", "AWS_ENDPOINT_URL_S3": "http://a"], "http://a"),
            (["AWS_ENDPOINT_URL": "http://b", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"], nil),
        ]
        for (environment, url) in rows {
            #expect(CredentialBench.settings(environment, config: config).objectEndpoint == url, "\(environment)")
        }
    }
}
