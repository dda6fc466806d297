import Dispatch
import Glibc
import Logging
import UploadCore

/// Log lines on standard error, one for what becomes of each file and for each trouble.
enum Log {
    static func logger(level: String) -> Logger {
        var logger = Logger(label: "uploadfs") { LineLogHandler(label: $0, writer: .shared) }
        // What was said before the end is to be read after it.
        atexit { LogWriter.shared.flush(within: .seconds(1)) }
        logger.logLevel = Logger.Level(rawValue: level) ?? .info
        return logger
    }

    static func engine(_ logger: Logger) -> EngineLog {
        EngineLog(
            phase: { status in
                logger.log(
                    level: level(of: status.phase), "\(status.phase.rawValue)", metadata: metadata(of: status))
            },
            trouble: { text, facts in
                logger.warning("\(text)", metadata: facts.mapValues { .string($0) })
            })
    }

    /// A line for what becomes of each file, and none for what it passes through on its way there.
    private static func level(of phase: Phase) -> Logger.Level {
        switch phase {
        case .failed, .interrupted: .error
        case .done, .waiting, .held, .ignored, .cancelled: .info
        case .receiving, .queued, .uploading, .finalizing: .debug
        }
    }

    private static func metadata(of status: FileStatus) -> Logger.Metadata {
        var metadata: Logger.Metadata = [
            "path": .string(NameFormat.text(status.path)), "size": .stringConvertible(status.size),
            "version": .stringConvertible(status.version),
        ]
        if status.action != .upload { metadata["action"] = .string(status.action.rawValue) }
        if status.retries > 0 { metadata["retries"] = .stringConvertible(status.retries) }
        if let receipt = status.receipt {
            metadata["url"] = .string(receipt.url)
            metadata["digest"] = .string(receipt.digest)
        }
        if let failure = status.failure {
            metadata["error"] = .string(failure.code)
            metadata["reason"] = .string(failure.reason)
            metadata["remedy"] = .string(failure.remedy)
        }
        return metadata
    }
}

/// The wall clock.
enum WallClock {
    static let now: @Sendable () -> Timestamp = {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(seconds: Int64(time.tv_sec), nanoseconds: Int64(time.tv_nsec))
    }
}
