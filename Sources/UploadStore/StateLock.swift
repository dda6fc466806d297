import Glibc

/// The file `lock` of a state directory: locked by the process that uses it, and holding its number
/// for the others to read. Held as long as this lives.
struct StateLock: ~Copyable, Sendable {
    private let file: Descriptor

    private init(file: consuming Descriptor) {
        self.file = file
    }

    deinit {
        // Closing does not let go of it while a process that we start has a copy of the descriptor, from fork to exec.
        _ = flock(file.number, LOCK_UN)
    }

    static func take(in directory: Int32) throws(StateDirectoryError) -> StateLock {
        do throws(SystemFailure) {
            let file = try Descriptor.open("lock", in: directory, flags: O_RDWR | O_CREAT)
            if try isTaken(file.number) { throw SystemFailure(call: "flock", errno: EWOULDBLOCK) }
            try write(getpid(), to: file.number)
            return StateLock(file: file)
        } catch {
            guard error.errno == EWOULDBLOCK else { throw StateDirectoryError(error) }
            throw .inUse(pid: holder(in: directory))
        }
    }

    private static func isTaken(_ file: Int32) throws(SystemFailure) -> Bool {
        do throws(SystemFailure) {
            try SystemFailure.retrying("flock") { flock(file, LOCK_EX | LOCK_NB) }
            return false
        } catch {
            if error.errno == EWOULDBLOCK { return true }
            throw error
        }
    }

    private static func write(_ process: pid_t, to file: Int32) throws(SystemFailure) {
        let line = "\(process)\n"
        try SystemFailure.retrying("ftruncate") { ftruncate(file, 0) }
        try SystemFailure.retrying("pwrite") { line.withCString { pwrite(file, $0, strlen($0), 0) } }
    }

    /// Who wrote the file last, if that process still lives: between taking the lock and writing its
    /// number, a new holder leaves its predecessor's there.
    private static func holder(in directory: Int32) -> Int32? {
        var bytes = [UInt8](repeating: 0, count: 32)
        do throws(SystemFailure) {
            let file = try Descriptor.open("lock", in: directory, flags: O_RDONLY)
            let count = try SystemFailure.retrying("pread") {
                bytes.withUnsafeMutableBytes { pread(file.number, $0.baseAddress, $0.count, 0) }
            }
            let text = String(decoding: bytes[..<count], as: UTF8.self)
            guard let process = Int32(text.prefix { $0.isNumber }), process > 0 else { return nil }
            // EPERM: it lives, and is somebody else's.
            return kill(process, 0) == 0 || errno == EPERM ? process : nil
        } catch {
            return nil
        }
    }
}
