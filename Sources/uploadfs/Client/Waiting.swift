import FoundationEssentials
import Glibc
import UploadCore

/// Waits for uploads by reading `wait/PATH`, which blocks in the kernel until the answer is known.
struct Waiting: Sendable {
    let mountpoint: String

    /// What became of one file.
    enum Outcome: Sendable {
        case uploaded(url: String)
        case failed(reason: String)
    }

    /// The part of status.json that matters here.
    private struct Status: Decodable {
        let files: [File]
        /// Of a long queue not all are listed; nil: by an older uploadfs.
        let filesNotListed: Int?

        struct File: Decodable {
            let path: String
            let phase: Phase
            /// nil: an upload.
            let action: String?

            /// Of a file that is not in the mount any more.
            var isDeletion: Bool { action == FileStatus.Action.delete.rawValue }
        }
    }

    private struct Detail: Decodable {
        let phase: String
        let error: Failure?

        struct Failure: Decodable {
            let reason: String
            let remedy: String
        }
    }

    /// What is to be waited for, and told, at one moment.
    struct Listing: Sendable {
        /// Files that are not settled yet; one that was removed while it was listed has no path.
        var pending: [String] = []
        /// Files that need a decision.
        var failed: [String] = []
        /// Files that wait for a rename, which may never come.
        var held = 0
        /// Of a long queue not all are listed.
        var isComplete = true
    }

    func listing() throws(CommandFailure) -> Listing {
        let status = try status()
        var listing = Listing(isComplete: status.filesNotListed ?? 0 == 0)
        for file in status.files where !file.path.isEmpty {
            // What is to be deleted is nobody's file any more: status tells of it.
            if file.isDeletion { continue }
            switch file.phase {
            case .failed, .interrupted: listing.failed.append(file.path)
            case .held: listing.held += 1
            case let phase: if !phase.isSettled { listing.pending.append(file.path) }
            }
        }
        return listing
    }

    /// As of now: the list may be a moment behind what was closed before.
    private func status() throws(CommandFailure) -> Status {
        _ = try SmallFile.read(mountpoint + "/.uploadfs/sync")
        let text = try SmallFile.read(mountpoint + "/.uploadfs/status.json")
        do {
            return try JSONDecoder().decode(Status.self, from: Data(text.utf8))
        } catch {
            throw CommandFailure(
                .failure, "\(mountpoint)/.uploadfs/status.json is not what this version writes: \(error).")
        }
    }

    /// Whether the mount has a file of this name; what is listed may have been removed meanwhile.
    func exists(_ path: String) -> Bool {
        access(mountpoint + "/.uploadfs/wait/" + path, F_OK) == 0
    }

    /// Blocks until the file is settled.
    /// - Parameter path: below the mountpoint, as `pending` gives it.
    func outcome(of path: String) throws(CommandFailure) -> Outcome {
        let file = mountpoint + "/.uploadfs/wait/" + path
        let descriptor = open(file, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            guard errno == ENOENT else {
                throw CommandFailure(.failure, "\(file): \(String(cString: strerror(errno))).")
            }
            return .failed(reason: "It is not in the mount (any more).")
        }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            if count >= 0 {
                let text = String(decoding: buffer[..<count], as: UTF8.self)
                return .uploaded(url: String(text.prefix { $0 != "\n" }))
            }
            if errno == EINTR { continue }
            return .failed(reason: reason(of: path))
        }
    }

    private func reason(of path: String) -> String {
        guard let text = try? SmallFile.read(mountpoint + "/.uploadfs/detail/" + path),
            let detail = try? JSONDecoder().decode(Detail.self, from: Data(text.utf8))
        else { return "It was removed, or uploadfs has ended." }
        return detail.error.map { "\($0.reason) \($0.remedy)" } ?? "It is \(detail.phase)."
    }

    /// A path that the user gave, below the mountpoint: "a/b", "./a/b" relative to the mountpoint, or absolute.
    func relative(_ path: String) -> String {
        if path.hasPrefix(mountpoint + "/") { return String(path.dropFirst(mountpoint.count + 1)) }
        let absolute = Paths.absolute(path)
        if absolute.hasPrefix(mountpoint + "/") { return String(absolute.dropFirst(mountpoint.count + 1)) }
        return path.hasPrefix("./") ? String(path.dropFirst(2)) : path
    }
}
