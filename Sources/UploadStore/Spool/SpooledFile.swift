import CLinux
import Glibc
import Synchronization
import UploadCore

/// One version's sparse file. The kernel serialises what must be; nothing here has a lock around I/O.
final class SpooledFile: SpoolFile {
    let version: VersionID
    private let file: Descriptor
    private let spool: DirectorySpool
    /// Whether the directory entry is known to be durable. Not known of a file that was there: who
    /// made it may have been killed before the fsync.
    private let isEntryDurable = Atomic<Bool>(false)
    private let isRemoved = Atomic<Bool>(false)
    /// After a failed fsync the kernel calls the lost pages clean, and the next fsync would claim
    /// success: so what has failed stays failed.
    private let synchronizeFailure = Mutex<SpoolError?>(nil)
    /// Held while it is measured, so that an older answer does not follow a newer one.
    private let measuring = Mutex(())

    init(version: VersionID, descriptor: consuming Descriptor, spool: DirectorySpool) {
        self.version = version
        file = descriptor
        self.spool = spool
    }

    deinit {
        if isRemoved.load(ordering: .acquiring) { spool.count(version, 0) }
        spool.forget(version, identity: ObjectIdentifier(self))
    }

    /// It has no name any more: its room comes back when the last one lets go of it.
    func wasRemoved() {
        isRemoved.store(true, ordering: .releasing)
    }

    var descriptor: Int32 { file.number }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(SpoolError) -> Int {
        var done = 0
        while done < buffer.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
            let count = try calling("pread") { pread(file.number, rest.baseAddress, rest.count, Int(offset) &+ done) }
            if count == 0 { break }
            done += count
        }
        return done
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(SpoolError) {
        var done = 0
        while done < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
            let count = try calling("pwrite") {
                pwrite(file.number, rest.baseAddress, rest.count, Int(offset) &+ done)
            }
            // Not allowed by POSIX; without this it would be an endless loop.
            guard count > 0 else { throw .system(call: "pwrite", errno: EIO) }
            done += count
        }
        measure()
    }

    func truncate(to size: Int64) throws(SpoolError) {
        try calling("ftruncate") { ftruncate(file.number, Int(size)) }
        measure()
    }

    func punch(_ range: Range<Int64>) throws(SpoolError) {
        try calling("fallocate") {
            clinux_punch_hole(file.number, Int(range.lowerBound), Int(range.upperBound - range.lowerBound))
        }
        measure()
    }

    func allocate(_ range: Range<Int64>, keepingSize: Bool) throws(SpoolError) {
        try calling("fallocate") {
            clinux_allocate(
                file.number, keepingSize ? 1 : 0, Int(range.lowerBound), Int(range.upperBound - range.lowerBound))
        }
        measure()
    }

    func next(_ kind: SpoolExtent, from offset: Int64) throws(SpoolError) -> Int64? {
        // Moves the descriptor's position, which nothing uses.
        let found =
            switch kind {
            case .data: clinux_next_data(file.number, Int(offset))
            case .hole: clinux_next_hole(file.number, Int(offset))
            }
        if found < 0, errno == ENXIO { return nil }
        guard found >= 0 else { throw SpoolError(SystemFailure("lseek")) }
        return Int64(found)
    }

    /// fstat(2) counts what is only promised by the filesystem yet (delayed allocation), so it is right at once.
    func measure() {
        measuring.withLock { _ in
            guard let blocks = try? blocks() else { return }
            spool.count(version, blocks * 512)
        }
    }

    /// Makes this empty file have the bytes of another, holes as holes.
    func copyData(of source: any SpoolFile) throws(SpoolError) {
        let end = try source.size()
        try truncate(to: end)
        var position: Int64 = 0
        while position < end {
            // Else there is nothing but a hole up to the end.
            guard let start = try source.next(.data, from: position),
                let stop = try source.next(.hole, from: start), stop > start
            else { break }
            var from = Int(start)
            var to = Int(start)
            while from < Int(stop) {
                let count = try calling("copy_file_range") {
                    copy_file_range(source.descriptor, &from, file.number, &to, UInt(Int(stop) - from), 0)
                }
                guard count > 0 else { throw .system(call: "copy_file_range", errno: EIO) }
            }
            position = stop
        }
        measure()
    }

    func size() throws(SpoolError) -> Int64 {
        Int64(try status().st_size)
    }

    /// Blocks of 512 bytes that it really occupies (st_blocks).
    private func blocks() throws(SpoolError) -> Int64 {
        Int64(try status().st_blocks)
    }

    func synchronize() throws(SpoolError) {
        if let failure = synchronizeFailure.withLock({ $0 }) { throw failure }
        do throws(SystemFailure) {
            try file.synchronizeData()
            if !isEntryDurable.load(ordering: .acquiring) {
                try spool.synchronizeDirectory()
                isEntryDurable.store(true, ordering: .releasing)
            }
        } catch {
            let failure = SpoolError(error)
            synchronizeFailure.withLock { $0 = failure }
            throw failure
        }
    }

    private func status() throws(SpoolError) -> stat {
        do throws(SystemFailure) {
            return try file.status()
        } catch {
            throw SpoolError(error)
        }
    }

    @discardableResult
    private func calling<Result: SignedInteger>(
        _ call: String, _ body: () -> Result
    ) throws(SpoolError) -> Result {
        do throws(SystemFailure) {
            return try SystemFailure.retrying(call, body)
        } catch {
            throw SpoolError(error)
        }
    }
}

extension SpoolError {
    init(_ failure: SystemFailure) {
        switch failure.errno {
        case ENOSPC, EDQUOT: self = .noSpace
        case EMFILE, ENFILE, ENOMEM: self = .exhausted(call: failure.call, errno: failure.errno)
        default: self = .system(call: failure.call, errno: failure.errno)
        }
    }
}
