import UploadCore
import UploadTransfer

/// What a look at a bucket says to people.
enum BucketChecks {
    /// Lines for unfinished uploads, at most.
    private static let mostLines = 20

    /// - Parameters:
    ///   - origin: where the credentials are taken from.
    ///   - age: of unfinished uploads that are told of, as it was asked for.
    static func checks(
        _ findings: S3Findings, of location: S3Location, credentials origin: String?, age: String
    ) -> [DoctorCheck] {
        if let obstacle = findings.obstacle { return self.obstacle(obstacle, location) }
        let host = location.host(in: findings.region)
        var checks: [DoctorCheck] = [
            .ok("server", "\(host) answers."),
            DoctorWire.check(isEncrypted: location.scheme == "https", "\(location.scheme)://\(host)"),
            .ok("credentials", origin.map { "Taken from \($0), and accepted." } ?? "They are accepted."),
            clock(findings.ahead), region(findings), .ok("bucket", "\(location.bucket) is there."),
        ]
        checks += S3Ask.allCases.map { request($0, findings) }
        checks += policy(findings, location)
        checks += [conditions(findings.conditions), checksums(findings.checksums)]
        checks += findings.leftovers.map { leftover($0, location) }
        return checks + unfinished(findings, location, age)
    }

    private static func obstacle(_ error: DestinationError, _ location: S3Location) -> [DoctorCheck] {
        if case .rejected(let rejection) = error, rejection.status == 404 {
            return [
                .fail(
                    "bucket", "There is no bucket \(location.bucket) there.", location.makeCommand,
                    "(or correct the destination)", code: .configuration)
            ]
        }
        return [DoctorWire.check(error)]
    }

    private static func clock(_ ahead: Int?) -> DoctorCheck {
        guard let ahead else { return .ok("clock", "The server does not tell its own.") }
        let seconds = abs(ahead)
        guard seconds > 5 else { return .ok("clock", "It differs from the server's by \(seconds) s.") }
        let says = "It is \(seconds) s \(ahead > 0 ? "behind" : "ahead of") the server's."
        return .warn(
            "clock",
            says + (seconds < 900 ? "" : " A signature is good for 15 minutes: uploadfs corrects it, others do not."),
            "sudo timedatectl set-ntp true")
    }

    private static func region(_ findings: S3Findings) -> DoctorCheck {
        guard findings.isOtherRegion else { return .ok("region", "\(findings.region) is right.") }
        return .warn(
            "region", "The bucket is in \(findings.region), which the server had to tell.",
            "Add region=\(findings.region) to the destination, or set AWS_REGION=\(findings.region).")
    }

    private static func request(_ ask: S3Ask, _ findings: S3Findings) -> DoctorCheck {
        func wrong(_ what: String) -> DoctorCheck {
            let says = "\(what) \(ask.loss)"
            return ask.isNeeded
                ? .fail(ask.rawValue, says, code: findings.outcomes[ask] == .denied ? .permission : .configuration)
                : .warn(ask.rawValue, says)
        }
        switch findings.outcomes[ask] ?? .untested {
        case .allowed: return .ok(ask.rawValue, "Allowed.")
        case .denied: return wrong("Denied.")
        case .failed(let why): return wrong(why)
        case .untested: return .warn(ask.rawValue, "Not tried: what it is made for was not there.")
        }
    }

    /// What would allow all that is denied.
    private static func policy(_ findings: S3Findings, _ location: S3Location) -> [DoctorCheck] {
        let denied = S3Ask.allCases.filter { findings.outcomes[$0] == .denied }
        guard !denied.isEmpty else { return [] }
        return [
            .warn(
                "policy", "These statements, in a policy of the user or role, allow what is denied:",
                location.policy(allowing: denied))
        ]
    }

    private static func conditions(_ support: S3Findings.Support) -> DoctorCheck {
        let name = "conditional writes"
        let loss = "--on-conflict fail and rename do not hold against another machine in the same moment."
        return switch support {
        case .kept: .ok(name, "They are kept.")
        case .ignored: .warn(name, "The server takes no notice of them: \(loss)")
        case .refused: .warn(name, "The server refuses them: --on-conflict fail and rename do not work.")
        case .untested: .warn(name, "Not tried.")
        }
    }

    private static func checksums(_ support: S3Findings.Support) -> DoctorCheck {
        let loss = "each request's bytes are checked on their way (SHA-256), the objects at rest are not."
        return switch support {
        case .kept: .ok("checksums", "Kept with the objects (CRC-64/NVME).")
        case .ignored: .ok("checksums", "The server keeps none: \(loss)")
        case .refused: .ok("checksums", "The server refuses them: \(loss)")
        case .untested: .warn("checksums", "Not tried.")
        }
    }

    private static func leftover(_ leftover: S3Findings.Leftover, _ location: S3Location) -> DoctorCheck {
        switch leftover {
        case .object(let key):
            .warn(
                "left behind", "The object \(location.url(key)) could not be removed.",
                location.removeCommand(key: key))
        case .upload(let key, let upload):
            .warn(
                "left behind", "A multipart upload of \(location.url(key)) could not be aborted.",
                location.abortCommand(key: key, upload: upload))
        }
    }

    private static func unfinished(
        _ findings: S3Findings, _ location: S3Location, _ age: String
    ) -> [DoctorCheck] {
        let name = "unfinished uploads"
        guard let all = findings.unfinished else { return [] }
        guard !all.isEmpty else { return [.ok(name, "None is older than \(age).")] }
        let lines = all.prefix(mostLines).map { upload in
            let old = upload.age.map { DurationFormat.text(.seconds(max(0, $0))) + " old" } ?? "of unknown age"
            return "\(location.url(upload.key)), \(old):\n"
                + location.abortCommand(key: upload.key, upload: upload.upload)
        }
        let more = all.count > mostLines ? ["(and \(all.count - mostLines) more: --json lists all)"] : []
        let rule =
            "A lifecycle rule of the bucket ends those of the future by itself: "
            + "{\"ID\": \"unfinished\", \"Status\": \"Enabled\", \"Filter\": {}, "
            + "\"AbortIncompleteMultipartUpload\": {\"DaysAfterInitiation\": 8}}"
        return [
            DoctorCheck(
                level: .warn, name: name,
                says:
                    "\(all.count)\(findings.isCutShort ? " and more" : "") older than \(age), of this mount or others: "
                    + "they cost until they are aborted. Some may still be gone on with.",
                remedy: lines + more + [rule], code: .failure)
        ]
    }
}
