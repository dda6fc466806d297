package import UploadCore
import CLinux
import Glibc
import Synchronization

/// The spool as a directory of sparse files, one per version, named by its number.
///
/// The directory is flat: ext4, xfs, btrfs and tmpfs all look names up by hash, every create stands
/// behind a transaction of the journal (which has one writer anyway), and one directory means one
/// fsync for a new entry and one scan at start. Names come from numbers alone, never from users.
///
/// Every open version costs one descriptor, whoever has it open. Where they run out, `open` throws
/// EMFILE and nothing is lost; the executable raises RLIMIT_NOFILE to its hard limit.
package final class DirectorySpool: Spool {
    private let directory: Descriptor
    private let closeFailed: @Sendable (VersionID, SpoolError) -> Void
    package let gauge: SpoolGauge

    /// The objects that live, so that a version has one descriptor. An object that is being freed
    /// still stands here with its `file` already nil.
    ///
    /// The lock is never held over a system call. Nor may the last reference to a file die under it,
    /// since its deinit takes the lock: so entries are told apart by `identity`, without loading `file`.
    private let living = Mutex<[VersionID: Entry]>([:])

    /// What the gauge has of each version's file: just that is taken back when it goes. Blocks change behind our
    /// back, XFS takes back what it allocated ahead and btrfs compresses, so a sum of changes would drift.
    private let counted: Mutex<[VersionID: Int64]>

    /// A class, since Swift 6.3 (debug) crashes on reading a weak field of a struct through a dictionary's optional.
    private final class Entry: Sendable {
        let identity: ObjectIdentifier
        weak let file: SpooledFile?

        init(_ file: SpooledFile) {
            identity = ObjectIdentifier(file)
            self.file = file
        }
    }

    /// Opens or creates the directory. Its parent must be there.
    /// - Parameters:
    ///   - limit: told the directory and the bytes that are in it, says how many there may be.
    ///   - closeFailed: told when close(2) of a version failed; the default writes a line to stderr.
    /// - Throws: `.system("open", EPERM)` when it belongs to somebody else.
    package init(
        directory: String, limit: (_ directory: String, _ used: Int64) -> Int64 = { _, _ in .max },
        closeFailed: @escaping @Sendable (VersionID, SpoolError) -> Void = DirectorySpool.say
    ) throws(SpoolError) {
        do throws(PrivateDirectoryError) {
            self.directory = try Descriptor.openPrivateDirectory(directory)
        } catch {
            switch error {
            case .foreign: throw .system(call: "open", errno: EPERM)
            case .system(let failure): throw SpoolError(failure)
            }
        }
        self.closeFailed = closeFailed
        do throws(SystemFailure) {
            var occupied: [VersionID: Int64] = [:]
            for (name, bytes) in try SpoolListing.occupied(in: self.directory.number) {
                if let version = Self.version(named: name) { occupied[version] = bytes }
            }
            let used = occupied.values.reduce(0, +)
            counted = Mutex(occupied)
            gauge = SpoolGauge(limit: limit(directory, used))
            gauge.add(used)
        } catch {
            throw SpoolError(error)
        }
    }

    package func create(_ version: VersionID) throws(SpoolError) -> any SpoolFile {
        let file = try shared(version, flags: O_RDWR | O_CREAT)
        try file.truncate(to: 0)
        return file
    }

    package func copy(_ original: any SpoolFile, to new: VersionID) throws(SpoolError) -> (any SpoolFile)? {
        let target = try shared(new, flags: O_RDWR | O_CREAT)
        do throws(SpoolError) {
            if clinux_clone(target.descriptor, original.descriptor) == 0 {
                target.measure()
                return target
            }
            original.measure()
            if occupied(by: original.version) <= Self.longestCopy {
                try target.copyData(of: original)
                return target
            }
        } catch {
            try remove(new)
            throw error
        }
        try remove(new)
        return nil
    }

    package func link(_ original: VersionID, to new: VersionID) throws(SpoolError) {
        guard linkat(directory.number, Self.name(of: original), directory.number, Self.name(of: new), 0) == 0 else {
            throw errno == ENOENT ? .missing(original) : SpoolError(SystemFailure("linkat"))
        }
        count(new, occupied(by: original))
    }

    package func isSame(_ one: VersionID, as other: VersionID) -> Bool {
        guard let first = try? status(of: one), let second = try? status(of: other) else { return false }
        return first.st_ino == second.st_ino
    }

    package func isLinked(_ version: VersionID) -> Bool { (try? status(of: version).st_nlink).map { $0 > 1 } ?? false }

    package func sharing(with version: VersionID) throws(SpoolError) -> [VersionID] {
        guard let status = try? status(of: version) else { return [] }
        guard status.st_nlink > 1 else { return [version] }
        return try versions().filter { isSame($0, as: version) }
    }

    /// What a write may wait for: some 30 ms.
    private static let longestCopy: Int64 = 64 << 20

    package func open(_ version: VersionID) throws(SpoolError) -> any SpoolFile {
        if let file = living.withLock({ $0[version]?.file }) { return file }
        return try shared(version, flags: O_RDWR)
    }

    package func remove(_ version: VersionID) throws(SpoolError) {
        // Whoever still has it open keeps its room, and gives it back at the end.
        let holder = living.withLock { $0[version]?.file }
        guard unlinkat(directory.number, Self.name(of: version), 0) == 0 || errno == ENOENT else {
            throw SpoolError(SystemFailure("unlink"))
        }
        if let holder { holder.wasRemoved() } else { count(version, 0) }
        living.withLock { _ = $0.removeValue(forKey: version) }
    }

    /// Tells the gauge what a version's file occupies now.
    /// - Parameter bytes: 0: it is gone.
    func count(_ version: VersionID, _ bytes: Int64) {
        let change = counted.withLock { counted in
            let before = counted.removeValue(forKey: version) ?? 0
            if bytes > 0 { counted[version] = bytes }
            return bytes - before
        }
        if change != 0 { gauge.add(change) }
    }

    package func size(of version: VersionID) throws(SpoolError) -> Int64 { Int64(try status(of: version).st_size) }

    private func status(of version: VersionID) throws(SpoolError) -> stat {
        var status = stat()
        guard fstatat(directory.number, Self.name(of: version), &status, AT_SYMLINK_NOFOLLOW) == 0 else {
            let failure = SystemFailure("fstatat")
            throw failure.errno == ENOENT ? .missing(version) : SpoolError(failure)
        }
        return status
    }

    package func occupied(by version: VersionID) -> Int64 { counted.withLock { $0[version] ?? 0 } }

    package func versions() throws(SpoolError) -> [VersionID] {
        do throws(SystemFailure) {
            return try SpoolListing.names(in: directory.number).compactMap(Self.version(named:))
        } catch {
            throw SpoolError(error)
        }
    }

    package func synchronize(_ versions: [VersionID]) -> Synchronized {
        var outcome = Synchronized()
        var rest = versions[...]
        while !rest.isEmpty {
            var files: [any SpoolFile] = []
            for version in rest.prefix(Self.synchronizedAtOnce) {
                do throws(SpoolError) {
                    files.append(try open(version))
                } catch .exhausted {
                    continue
                } catch {
                    outcome.damaged[version] = error
                }
            }
            rest = rest.dropFirst(Self.synchronizedAtOnce)
            // All are on their way to the disk before the first is waited for: the filesystem's own journal
            // then has to be written once or twice, not once for each of them.
            for file in files { _ = clinux_start_writeback(file.descriptor, 0, 0) }
            for file in files {
                do throws(SpoolError) {
                    try file.synchronize()
                    outcome.durable.append(file.version)
                } catch {
                    // The others are no worse for it.
                    outcome.damaged[file.version] = error
                }
            }
        }
        // The kernel tells a failure once: their other names would be taken for durable.
        for (version, error) in outcome.damaged {
            for other in (try? sharing(with: version)) ?? [] { outcome.damaged[other] = error }
        }
        outcome.durable.removeAll { outcome.damaged[$0] != nil }
        return outcome
    }

    /// Files that are held open for it at a time.
    private static let synchronizedAtOnce = 64

    package func capacity(evictable: Int64) throws(SpoolError) -> SpoolCapacity {
        var status = statvfs()
        guard fstatvfs(directory.number, &status) == 0 else { throw SpoolError(SystemFailure("fstatvfs")) }
        let block = UInt64(status.f_frsize)
        let total = min(UInt64(status.f_blocks), UInt64(max(0, gauge.limit)) / block)
        return SpoolCapacity(
            blockSize: block, total: total,
            available: min(UInt64(status.f_bavail), UInt64(gauge.available(evictable: evictable)) / block),
            files: UInt64(status.f_files), filesAvailable: UInt64(status.f_favail))
    }

    /// The default of `closeFailed`.
    @Sendable package static func say(_ version: VersionID, _ error: SpoolError) {
        switch error {
        case .system(let call, let errno), .exhausted(let call, let errno):
            SystemFailure.say(SystemFailure(call: "\(call) of \(version)", errno: errno))
        case .noSpace: SystemFailure.say(SystemFailure(call: "close of \(version)", errno: ENOSPC))
        case .missing, .short: SystemFailure.say(SystemFailure(call: "close of \(version)", errno: ENOENT))
        }
    }

    // MARK: One object per version

    /// Opens the file without the lock; when somebody else was quicker, theirs is taken and ours closed.
    private func shared(_ version: VersionID, flags: Int32) throws(SpoolError) -> SpooledFile {
        let descriptor: Descriptor
        do throws(SystemFailure) {
            descriptor = try Descriptor.open(Self.name(of: version), in: directory.number, flags: flags) {
                [closeFailed] in closeFailed(version, SpoolError($0))
            }
        } catch {
            throw error.errno == ENOENT ? .missing(version) : SpoolError(error)
        }
        let fresh = SpooledFile(version: version, descriptor: descriptor, spool: self)
        let winner = living.withLock { living in
            if let first = living[version]?.file { return first }
            living[version] = Entry(fresh)
            return fresh
        }
        // Until here, so that a loser is not freed under the lock.
        withExtendedLifetime(fresh) {}
        return winner
    }

    /// From the deinit of a file. A newer object of the same version may have the entry by now: it stays.
    func forget(_ version: VersionID, identity: ObjectIdentifier) {
        living.withLock { living in
            if living[version]?.identity == identity { living[version] = nil }
        }
    }

    /// The directory's entries are on stable storage when it returns.
    func synchronizeDirectory() throws(SystemFailure) {
        try directory.synchronize()
    }

    // MARK: Names

    private static func name(of version: VersionID) -> String { String(version.rawValue) }

    /// nil for what is not ours, for example lost+found.
    private static func version(named name: String) -> VersionID? {
        guard let number = Int64(name), String(number) == name else { return nil }
        return VersionID(number)
    }
}
