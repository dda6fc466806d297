import Glibc

/// One call that a program makes, the same on the mount and on a plain directory.
enum ModelOperation: Sendable, Hashable, CustomStringConvertible {
    /// Descriptors are kept in slots; one that is empty gives EBADF on both sides.
    case open(slot: Int, path: String, flags: OpenFlags)
    case close(slot: Int)
    /// At the descriptor's position, or at the end where it appends.
    case write(slot: Int, bytes: Bytes)
    case pwrite(slot: Int, offset: Int, bytes: Bytes)
    case pread(slot: Int, offset: Int, count: Int)
    /// A shared mapping that is written through and synchronized.
    case mapped(slot: Int, offset: Int, bytes: Bytes)
    case ftruncate(slot: Int, size: Int)
    case truncate(path: String, size: Int)
    case fallocate(slot: Int, mode: Allocation, offset: Int, count: Int)
    case copyRange(from: Int, offset: Int, to: Int, at: Int, count: Int)
    case fsync(slot: Int)
    case rename(from: String, to: String, flags: UInt32)
    case link(path: String, target: String)
    case hardLink(from: String, to: String)
    case unlink(path: String)
    case makeDirectory(path: String)
    case removeDirectory(path: String)
    case changeMode(path: String, mode: UInt32)
    case setTimes(path: String, seconds: Int)
    case setAttribute(path: String, name: String, bytes: Bytes)
    case removeAttribute(path: String, name: String)

    enum OpenFlags: String, Sendable, CaseIterable {
        case read, readWrite, create, createNew, cut, append

        var rawFlags: Int32 {
            switch self {
            case .read: O_RDONLY
            case .readWrite: O_RDWR
            case .create: O_RDWR | O_CREAT
            case .createNew: O_RDWR | O_CREAT | O_EXCL
            case .cut: O_RDWR | O_CREAT | O_TRUNC
            case .append: O_RDWR | O_CREAT | O_APPEND
            }
        }
    }

    enum Allocation: String, Sendable, CaseIterable {
        case extend, keepSize, punchHole, zero, zeroKeepingSize

        /// FALLOC_FL_* of fallocate(2).
        var rawMode: Int32 {
            switch self {
            case .extend: 0
            case .keepSize: 0x01
            case .punchHole: 0x02 | 0x01
            case .zero: 0x10
            case .zeroKeepingSize: 0x10 | 0x01
            }
        }
    }

    /// So many bytes, different in each place and for each seed.
    struct Bytes: Sendable, Hashable, CustomStringConvertible {
        let count: Int
        let seed: Int

        var description: String { "\(count) bytes of \(seed)" }

        func make() -> [UInt8] {
            (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 / 251 &+ seed &* 77 &+ 1) }
        }
    }

    var description: String {
        switch self {
        case .open(let slot, let path, let flags): "\(slot) = open(\(path), \(flags))"
        case .close(let slot): "close(\(slot))"
        case .write(let slot, let bytes): "write(\(slot), \(bytes))"
        case .pwrite(let slot, let offset, let bytes): "pwrite(\(slot), \(offset), \(bytes))"
        case .pread(let slot, let offset, let count): "pread(\(slot), \(offset), \(count))"
        case .mapped(let slot, let offset, let bytes): "mmap(\(slot), \(offset), \(bytes))"
        case .ftruncate(let slot, let size): "ftruncate(\(slot), \(size))"
        case .truncate(let path, let size): "truncate(\(path), \(size))"
        case .fallocate(let slot, let mode, let offset, let count): "fallocate(\(slot), \(mode), \(offset), \(count))"
        case .copyRange(let from, let offset, let to, let at, let count):
            "copy_file_range(\(from), \(offset), \(to), \(at), \(count))"
        case .fsync(let slot): "fsync(\(slot))"
        case .rename(let from, let to, let flags): "rename(\(from), \(to), \(flags))"
        case .link(let path, let target): "symlink(\(target), \(path))"
        case .hardLink(let from, let to): "link(\(from), \(to))"
        case .unlink(let path): "unlink(\(path))"
        case .makeDirectory(let path): "mkdir(\(path))"
        case .removeDirectory(let path): "rmdir(\(path))"
        case .changeMode(let path, let mode): "chmod(\(path), \(String(mode, radix: 8)))"
        case .setTimes(let path, let seconds): "utimensat(\(path), \(seconds))"
        case .setAttribute(let path, let name, let bytes): "setxattr(\(path), \(name), \(bytes))"
        case .removeAttribute(let path, let name): "removexattr(\(path), \(name))"
        }
    }

    /// Whether a file's content, its length or its place can be another afterwards.
    var changesSomething: Bool {
        switch self {
        case .close, .pread, .fsync, .open(_, _, .read), .open(_, _, .readWrite): false
        default: true
        }
    }
}

/// Makes sequences of operations: the same seed, the same sequence.
struct ModelSequence {
    private static let slots = 3
    private static let paths = ["a", "b", "c", "d", "g", "d/e", "d/f", "g/e"]
    private var numbers: EndToEnd.CrashTests.Numbers

    init(_ seed: Int) { numbers = EndToEnd.CrashTests.Numbers(seed) }

    mutating func make(_ count: Int) -> [ModelOperation] { (0..<count).map { _ in next() } }

    private mutating func next() -> ModelOperation {
        switch numbers.next(35) {
        case 0...5: .open(slot: slot(), path: path(), flags: flags())
        case 6...8: .close(slot: slot())
        case 9...12: .write(slot: slot(), bytes: bytes())
        case 13...15: .pwrite(slot: slot(), offset: offset(), bytes: bytes())
        case 16: .pread(slot: slot(), offset: offset(), count: 1 + numbers.next(100_000))
        case 17: .mapped(slot: slot(), offset: offset(), bytes: bytes())
        case 18: .ftruncate(slot: slot(), size: offset())
        case 19: .truncate(path: path(), size: offset())
        case 20: .fallocate(slot: slot(), mode: allocation(), offset: offset(), count: 1 + numbers.next(70_000))
        case 21: .copyRange(from: slot(), offset: offset(), to: slot(), at: offset(), count: 1 + numbers.next(70_000))
        case 22: .fsync(slot: slot())
        case 23...24: .rename(from: path(), to: path(), flags: [0, 0, 0, 1, 2][numbers.next(5)])
        case 25: .unlink(path: path())
        case 33...34: .hardLink(from: path(), to: path())
        case 26: .makeDirectory(path: path())
        case 27: .removeDirectory(path: path())
        case 28: .changeMode(path: path(), mode: [0o644, 0o600, 0o755, 0o640][numbers.next(4)])
        case 29: .setTimes(path: path(), seconds: 1_000_000_000 + numbers.next(1_000_000))
        case 30: .link(path: path(), target: [path(), "none", "../a", "d"][numbers.next(4)])
        case 31: .setAttribute(path: path(), name: "user.\(numbers.next(2))", bytes: bytes(most: 200))
        default: .removeAttribute(path: path(), name: "user.\(numbers.next(2))")
        }
    }

    private mutating func slot() -> Int { numbers.next(Self.slots) }
    private mutating func path() -> String { Self.paths[numbers.next(Self.paths.count)] }
    private mutating func flags() -> ModelOperation.OpenFlags {
        ModelOperation.OpenFlags.allCases[numbers.next(ModelOperation.OpenFlags.allCases.count)]
    }
    private mutating func allocation() -> ModelOperation.Allocation {
        ModelOperation.Allocation.allCases[numbers.next(ModelOperation.Allocation.allCases.count)]
    }

    /// Mostly near the begin, now and then some chunks away, and at the edges of pages and chunks.
    private mutating func offset() -> Int {
        switch numbers.next(8) {
        case 0: 0
        case 1: 4096 * numbers.next(20)
        case 2: (1 << 20) * numbers.next(3) + numbers.next(3)
        case 3: numbers.next(2_500_000)
        default: numbers.next(30_000)
        }
    }

    private mutating func bytes(most: Int = 70_000) -> ModelOperation.Bytes {
        ModelOperation.Bytes(
            count: numbers.next(6) == 0 ? numbers.next(3) : numbers.next(most), seed: numbers.next(200))
    }
}
