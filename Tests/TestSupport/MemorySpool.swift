import CLinux
import Glibc
import Synchronization
package import UploadCore

/// A spool in memory: each version is a nameless file on tmpfs, so that `descriptor` is a real one. It can be made full.
package final class MemorySpool: Spool {
    private struct State {
        var files: [VersionID: MemorySpoolFile] = [:]
        var error: SpoolError?
        var damaged: [VersionID: SpoolError] = [:]
        var punching: SpoolError?
        var copies = true
        var beforeSynchronizing: (@Sendable () -> Void)?
    }

    private let state = Mutex(State())
    package let gauge: SpoolGauge

    package init(limit: Int64 = .max) {
        gauge = SpoolGauge(limit: limit)
    }

    /// What every write and create throws from now on; nil: nothing.
    package func fail(with error: SpoolError?) {
        state.withLock { $0.error = error }
    }

    /// What every hole throws from now on: some filesystems have none.
    package func failPunching(with error: SpoolError) {
        state.withLock { $0.punching = error }
    }

    /// Everything is too big to be copied from now on.
    package func refuseCopies() {
        state.withLock { $0.copies = false }
    }

    /// What happens once, as the next bytes are about to be brought to stable storage.
    package func beforeSynchronizing(_ act: @escaping @Sendable () -> Void) {
        state.withLock { $0.beforeSynchronizing = act }
    }

    /// Whether this version has a file.
    package func has(_ version: VersionID) -> Bool { state.withLock { $0.files[version] != nil } }

    /// The disk can't keep this version.
    package func damage(_ version: VersionID, _ error: SpoolError) {
        state.withLock { $0.damaged[version] = error }
    }

    package func create(_ version: VersionID) throws(SpoolError) -> any SpoolFile {
        try refuseIfTold()
        if let file = state.withLock({ $0.files[version] }) {
            try file.truncate(to: 0)
            return file
        }
        let file = try MemorySpoolFile(version, spool: self)
        state.withLock { $0.files[version] = file }
        return file
    }

    package func copy(_ original: any SpoolFile, to new: VersionID) throws(SpoolError) -> (any SpoolFile)? {
        guard state.withLock(\.copies) else { return nil }
        let bytes = try original.contents()
        let copy = try create(new)
        try copy.write(bytes, at: 0)
        return copy
    }

    package func link(_ original: VersionID, to new: VersionID) throws(SpoolError) {
        try refuseIfTold()
        guard let file = state.withLock({ $0.files[original] }) else { throw .missing(original) }
        let link = try MemorySpoolFile(new, sharing: file, spool: self)
        state.withLock { $0.files[new] = link }
        link.measure()
    }

    package func isSame(_ one: VersionID, as other: VersionID) -> Bool {
        sharing(with: one).contains(other)
    }

    package func isLinked(_ version: VersionID) -> Bool { sharing(with: version).count > 1 }

    package func sharing(with version: VersionID) -> [VersionID] {
        let files = state.withLock(\.files)
        let numbers = files.mapValues { file in
            var status = stat()
            return fstat(file.descriptor, &status) == 0 ? status.st_ino : 0
        }
        return files.keys.filter { numbers[$0] == numbers[version] }
    }

    package func open(_ version: VersionID) throws(SpoolError) -> any SpoolFile {
        guard let file = state.withLock({ $0.files[version] }) else { throw .missing(version) }
        return file
    }

    package func remove(_ version: VersionID) throws(SpoolError) {
        let file = state.withLock { $0.files.removeValue(forKey: version) }
        file?.forget()
    }

    package func size(of version: VersionID) throws(SpoolError) -> Int64 { try open(version).size() }

    package func occupied(by version: VersionID) -> Int64 { state.withLock { $0.files[version] }?.occupied ?? 0 }

    package func versions() throws(SpoolError) -> [VersionID] {
        state.withLock { Array($0.files.keys) }
    }

    package func synchronize(_ versions: [VersionID]) -> Synchronized {
        let act = state.withLock { state in
            defer { state.beforeSynchronizing = nil }
            return state.beforeSynchronizing
        }
        act?()
        let others = Dictionary(uniqueKeysWithValues: versions.map { ($0, sharing(with: $0)) })
        return state.withLock { state in
            var outcome = Synchronized()
            for version in versions {
                let error = state.files[version] == nil ? .missing(version) : state.damaged[version]
                guard let error else {
                    outcome.durable.append(version)
                    continue
                }
                for other in [version] + (others[version] ?? []) { outcome.damaged[other] = error }
            }
            outcome.durable.removeAll { outcome.damaged[$0] != nil }
            return outcome
        }
    }

    package func capacity(evictable: Int64) throws(SpoolError) -> SpoolCapacity {
        SpoolCapacity(blockSize: 4096, total: 1 << 20, available: 1 << 19, files: 1 << 20, filesAvailable: 1 << 19)
    }

    fileprivate func refuseHolesIfTold() throws(SpoolError) {
        if let error = state.withLock(\.punching) { throw error }
    }

    fileprivate func refuseIfTold() throws(SpoolError) {
        if let error = state.withLock(\.error) { throw error }
    }
}

private final class MemorySpoolFile: SpoolFile {
    let version: VersionID
    let descriptor: Int32
    private let spool: MemorySpool
    private let measured = Mutex<Int64>(0)

    init(_ version: VersionID, spool: MemorySpool) throws(SpoolError) {
        var template = Array("/dev/shm/uploadfs-test.XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        guard descriptor >= 0, unlink(template) == 0 else { throw .system(call: "mkstemp", errno: errno) }
        self.version = version
        self.descriptor = descriptor
        self.spool = spool
    }

    init(_ version: VersionID, sharing other: MemorySpoolFile, spool: MemorySpool) throws(SpoolError) {
        descriptor = fcntl(other.descriptor, F_DUPFD_CLOEXEC, 0)
        guard descriptor >= 0 else { throw .system(call: "fcntl", errno: errno) }
        self.version = version
        self.spool = spool
    }

    deinit { close(descriptor) }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(SpoolError) -> Int {
        try check("pread", pread(descriptor, buffer.baseAddress, buffer.count, Int(offset)))
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(SpoolError) {
        try spool.refuseIfTold()
        try check("pwrite", pwrite(descriptor, bytes.baseAddress, bytes.count, Int(offset)))
        measure()
    }

    func truncate(to size: Int64) throws(SpoolError) {
        try check("ftruncate", Int(ftruncate(descriptor, Int(size))))
        measure()
    }

    func punch(_ range: Range<Int64>) throws(SpoolError) {
        try spool.refuseHolesIfTold()
        let length = Int(range.upperBound - range.lowerBound)
        try check("fallocate", Int(clinux_punch_hole(descriptor, Int(range.lowerBound), length)))
        measure()
    }

    func allocate(_ range: Range<Int64>, keepingSize: Bool) throws(SpoolError) {
        try spool.refuseIfTold()
        let length = Int(range.upperBound - range.lowerBound)
        try check(
            "fallocate", Int(clinux_allocate(descriptor, keepingSize ? 1 : 0, Int(range.lowerBound), length)))
        measure()
    }

    func next(_ kind: SpoolExtent, from offset: Int64) throws(SpoolError) -> Int64? {
        let found =
            switch kind {
            case .data: clinux_next_data(descriptor, Int(offset))
            case .hole: clinux_next_hole(descriptor, Int(offset))
            }
        return found < 0 ? nil : Int64(found)
    }

    fileprivate var occupied: Int64 { measured.withLock { $0 } }

    func measure() {
        let change = measured.withLock { measured in
            var status = stat()
            guard fstat(descriptor, &status) == 0 else { return Int64(0) }
            let now = Int64(status.st_blocks) * 512
            defer { measured = now }
            return now - measured
        }
        if change != 0 { spool.gauge.add(change) }
    }

    fileprivate func forget() {
        spool.gauge.add(-measured.withLock { $0 })
    }

    func size() throws(SpoolError) -> Int64 { Int64(try status().st_size) }
    func synchronize() throws(SpoolError) { try spool.refuseIfTold() }

    private func status() throws(SpoolError) -> stat {
        var status = stat()
        try check("fstat", Int(fstat(descriptor, &status)))
        return status
    }

    /// Memory has neither short counts nor interruptions.
    @discardableResult
    private func check(_ call: String, _ result: Int) throws(SpoolError) -> Int {
        guard result >= 0 else { throw .system(call: call, errno: errno) }
        return result
    }
}

extension SpoolFile {
    /// All of it, for comparing.
    package func contents() throws(SpoolError) -> [UInt8] {
        try bytes(Int(try size()), at: 0)
    }

    /// A `Result` comes out of the closure, since Swift 6.3.1 crashes on one that throws a typed error.
    package func write(_ bytes: [UInt8], at offset: Int64) throws(SpoolError) {
        let outcome = bytes.withUnsafeBytes { buffer in
            Result { () throws(SpoolError) in try write(buffer, at: offset) }
        }
        try outcome.get()
    }
}
