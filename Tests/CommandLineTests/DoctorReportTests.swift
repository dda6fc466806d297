import Foundation
import Testing
import UploadCore
import UploadFuse
import UploadTransfer

@testable import uploadfs

@Suite("What doctor says")
struct DoctorReportTests {
    private func facts(
        isRoot: Bool = false, isContainer: Bool = false, mayMount: Bool = true, device: MountError? = nil,
        helper: MachineFacts.MountHelper? = .init(path: "/usr/bin/fusermount3", isPrivileged: true),
        isHelperConfined: Bool = false, kernel: String = "6.12.8-cloud", problem: String? = nil,
        free: Int64 = 50_000_000_000, type: String = "ext4"
    ) -> MachineFacts {
        MachineFacts(
            isRoot: isRoot, isContainer: isContainer, mayMount: mayMount, device: device, helper: helper,
            isHelperConfined: isHelperConfined, libfuse: "3.17.2", kernel: kernel,
            state: .init(path: "/home/me/.local/state", problem: problem, free: free, type: type))
    }

    private func wrong(_ facts: MachineFacts) -> [DoctorCheck] {
        MachineChecks.checks(facts).filter { $0.level != .ok }
    }

    @Test("Of a machine that has all, it is well; of each thing that is missing, the command that mends it")
    func machine() {
        #expect(wrong(facts()).isEmpty)
        #expect(wrong(facts(isRoot: true, helper: nil)).isEmpty, "root needs no helper")
        let rows: [(MachineFacts, DoctorCheck.Level, String, String)] = [
            (facts(device: .deviceMissing), .fail, "/dev/fuse", "modprobe fuse"),
            (facts(isContainer: true, device: .deviceMissing), .fail, "/dev/fuse", "--device /dev/fuse"),
            (facts(device: .deviceNotAccessible), .fail, "/dev/fuse", "chmod"),
            (facts(helper: nil), .fail, "fusermount3", "apt install fuse3"),
            (facts(helper: .init(path: "/f", isPrivileged: false)), .fail, "fusermount3", "chmod u+s /f"),
            (facts(isHelperConfined: true), .warn, "fusermount3", "/mnt"),
            (facts(isRoot: true, mayMount: false), .fail, "mount(2)", "SYS_ADMIN"),
            (facts(kernel: "4.19.0-27-amd64"), .warn, "kernel", "newer"),
            (facts(problem: "Permission denied"), .fail, "state directory", "--state-dir"),
            (facts(free: 1_000_000), .fail, "state directory", "--state-dir"),
            (facts(free: 500_000_000), .warn, "state directory", "--state-dir"),
            (facts(type: "fuse.uploadfs"), .fail, "state directory", "--state-dir"),
            (facts(type: "tmpfs"), .warn, "its filesystem", "--state-dir"),
            (facts(type: "overlay"), .warn, "its filesystem", "volume"),
            (facts(type: "nfs4"), .warn, "its filesystem", "local disk"),
        ]
        for (facts, level, name, remedy) in rows {
            let checks = wrong(facts)
            #expect(checks.map(\.level) == [level] && checks.first?.name == name, "\(checks)")
            #expect(checks.first?.remedy.joined().contains(remedy) == true, "\(checks)")
        }
    }

    @Test("Facts can be had of this machine")
    func here() {
        let facts = MachineFacts(state: "/no/such/place")
        #expect(facts.state.path == "/" && !facts.libfuse.isEmpty && !facts.kernel.isEmpty && facts.state.free > 0)
    }

    @Test("A report has a line for each check, what mends it below, and a sum at the end")
    func text() {
        let report = DoctorReport(parts: [
            .init(title: "This machine", checks: [.ok("a", "It is."), .warn("longer", "It may be.", "do x", "or\ny")]),
            .init(title: "s3://b", checks: [.fail("server", "No.", code: .unreachable)]),
        ])
        #expect(
            report.text == """
                This machine
                  ok    a       It is.
                  warn  longer  It may be.
                          do x
                          or
                          y

                s3://b
                  FAIL  server  No.

                Failures: 1, warnings: 1.

                """)
    }

    @Test("The exit code is the destination's, else 1 for the machine's, and 0 for warnings")
    func codes() {
        func code(_ machine: DoctorCheck, _ destination: DoctorCheck...) -> Int32 {
            DoctorReport(parts: [.init(title: "", checks: [machine]), .init(title: "", checks: destination)]).code
        }
        #expect(code(.ok("a", ""), .warn("b", "")) == 0)
        #expect(code(.fail("a", ""), .warn("b", "")) == 1)
        #expect(code(.fail("a", ""), .fail("b", "", code: .permission), .fail("c", "", code: .configuration)) == 77)
    }

    @Test("Programs get the same as JSON, with all unfinished uploads")
    func json() throws {
        var report = DoctorReport(parts: [.init(title: "s3://b", checks: [.fail("a", "no", "do", code: .permission)])])
        report.unfinished = [.init(key: "k/ä", upload: "u", age: nil, command: "c")]
        let object = try #require(
            try JSONSerialization.jsonObject(with: Data(report.json.utf8)) as? [String: Any])
        #expect(object["code"] as? Int == 77 && object["schema"] as? Int == 1)
        let parts = try #require(object["parts"] as? [[String: Any]])
        let checks = try #require(parts.first?["checks"] as? [[String: Any]])
        #expect(checks.first?["level"] as? String == "fail" && checks.first?["remedy"] as? [String] == ["do"])
        let unfinished = try #require(object["unfinished"] as? [[String: Any]])
        #expect(unfinished.first?["key"] as? String == "k/ä")
    }

    @Test("A server is told by what it answers")
    func server() {
        let limits = DestinationLimits(
            schedule: .equal(1), parallelChunks: 1, canReplaceChunk: true, namesAtFinish: true,
            maximumFileSize: 100_000_000)
        func checks(_ url: String, _ error: DestinationError?, hasToken: Bool = true) -> [DoctorCheck] {
            ServerChecks.checks(url, error, limits, hasToken: hasToken)
        }
        let good = checks("https://u.example.org/x", nil)
        #expect(good.allSatisfy { $0.level == .ok } && good.contains { $0.says.contains("100 MB") })
        #expect(checks("http://127.0.0.1:8080", nil).allSatisfy { $0.level == .ok })
        #expect(checks("http://[::1]:8080", nil).allSatisfy { $0.level == .ok })
        #expect(checks("http://u.example.org", nil).first { $0.level == .warn }?.name == "TLS")
        let refused = checks("https://u", .unauthorized(status: 401), hasToken: false).last
        #expect(refused?.code == .permission && refused?.says.contains("asks for a token") == true)
        #expect(checks("https://u", .unreachable(.refused)).last?.code == .unreachable)
        #expect(checks("https://u", .malformed(detail: "a page")).last?.code == .configuration)
    }

    @Test("A bucket: what is denied, what does not work for it, and the policy that allows it")
    func bucket() throws {
        let location = try S3Location("s3://b/pre?region=eu-west-1")
        var findings = S3Findings()
        for ask in S3Ask.allCases { findings.outcomes[ask] = .allowed }
        findings.region = "eu-west-1"
        findings.ahead = 2
        findings.conditions = .kept
        findings.checksums = .kept
        findings.unfinished = []
        func checks() -> [DoctorCheck] {
            BucketChecks.checks(findings, of: location, credentials: "the profile \"p\"", age: "1d")
        }
        #expect(checks().allSatisfy { $0.level == .ok }, "\(checks())")
        findings.outcomes[.abortUpload] = .denied
        findings.outcomes[.putObject] = .denied
        findings.outcomes[.headObject] = .untested
        findings.outcomes[.copyObject] = .failed("It is odd.")
        findings.conditions = .ignored
        findings.ahead = -1000
        findings.isOtherRegion = true
        findings.leftovers = [.object(key: "pre/.uploadfs-doctor-x")]
        findings.unfinished = [
            .init(key: "pre/film", upload: "U", begun: 1, age: 90_000),
            .init(key: "pre/g", upload: "V", begun: nil, age: nil),
        ]
        let named = Dictionary(checks().map { ($0.name, $0) }) { $1 }
        #expect(named["PutObject"]?.level == .fail && named["PutObject"]?.code == .permission)
        #expect(named["AbortMultipartUpload"]?.says == "Denied. Multipart uploads that are given up stay, and cost.")
        #expect(named["HeadObject"]?.level == .warn)
        #expect(named["CopyObject"]?.says == "It is odd. Published files can't be renamed.")
        #expect(named["policy"]?.remedy.joined().contains(#"["s3:AbortMultipartUpload", "s3:PutObject"]"#) == true)
        #expect(named["clock"]?.says.contains("1000 s ahead of") == true && named["clock"]?.level == .warn)
        #expect(named["region"]?.level == .warn && named["conditional writes"]?.level == .warn)
        #expect(named["left behind"]?.remedy.first?.hasPrefix("aws s3 rm s3://b/pre/.uploadfs-doctor-x") == true)
        let unfinished = named["unfinished uploads"]?.remedy.joined(separator: "\n") ?? ""
        #expect(unfinished.contains("s3://b/pre/film, 1d 1h old:\naws s3api abort-multipart-upload --bucket b"))
        #expect(unfinished.contains("of unknown age") && unfinished.contains("AbortIncompleteMultipartUpload"))
    }

    @Test("A bucket that can't be looked into: why, and with which code")
    func obstacles() throws {
        let location = try S3Location("s3://b")
        let rows: [(DestinationError, CommandFailure.Code, String)] = [
            (.unreachable(.unresolved(host: "h")), .unreachable, "server"),
            (.unreachable(.untrusted(detail: "d")), .unreachable, "TLS"),
            (.unauthorized(status: 403), .permission, "credentials"),
            (.noCredentials(detail: "none"), .configuration, "credentials"),
            (.rejected(Rejection(status: 404, cause: .other, detail: "no bucket")), .configuration, "bucket"),
            (.malformed(detail: "a page"), .configuration, "server"),
        ]
        for (error, code, name) in rows {
            var findings = S3Findings()
            findings.obstacle = error
            let checks = BucketChecks.checks(findings, of: location, credentials: nil, age: "1d")
            #expect(checks.count == 1 && checks.first?.code == code && checks.first?.name == name, "\(checks)")
            #expect(checks.first?.remedy.isEmpty == false)
        }
    }
}
