import CLinux
import Foundation
import Glibc

/// One of the two directories that a sequence is carried out in.
final class ModelSide {
    let root: String
    private var descriptors: [Int: Int32] = [:]

    init(_ root: String) { self.root = root }

    deinit { closeAll() }

    /// What a call gave: its result, or errno below zero; and bytes that it read.
    struct Outcome: Hashable, CustomStringConvertible {
        var result: Int
        var bytes: [UInt8] = []

        var description: String {
            result < 0
                ? String(cString: strerror(Int32(-result))) : "\(result)\(bytes.isEmpty ? "" : ", \(bytes.hashValue)")"
        }
    }

    func path(_ name: String) -> String { root + "/" + name }

    func closeAll() {
        for descriptor in descriptors.values { close(descriptor) }
        descriptors = [:]
    }

    func perform(_ operation: ModelOperation) -> Outcome {
        switch operation {
        case .open(let slot, let path, let flags):
            let descriptor = Glibc.open(self.path(path), flags.rawFlags | O_CLOEXEC, 0o644)
            guard descriptor >= 0 else { return Outcome(result: -Int(errno)) }
            if let old = descriptors.updateValue(descriptor, forKey: slot) { close(old) }
            return Outcome(result: 0)
        case .close(let slot): return called(Glibc.close(descriptors.removeValue(forKey: slot) ?? -1))
        case .write(let slot, let bytes): return called(Glibc.write(descriptor(slot), bytes.make(), bytes.count))
        case .pwrite(let slot, let offset, let bytes):
            return called(Glibc.pwrite(descriptor(slot), bytes.make(), bytes.count, off_t(offset)))
        case .pread(let slot, let offset, let count):
            var bytes = [UInt8](repeating: 0, count: count)
            var outcome = called(Glibc.pread(descriptor(slot), &bytes, count, off_t(offset)))
            if outcome.result > 0 { outcome.bytes = Array(bytes.prefix(outcome.result)) }
            return outcome
        case .mapped(let slot, let offset, let bytes): return mapped(descriptor(slot), offset, bytes)
        case .ftruncate(let slot, let size): return called(Glibc.ftruncate(descriptor(slot), off_t(size)))
        case .truncate(let path, let size): return called(Glibc.truncate(self.path(path), off_t(size)))
        case .fallocate(let slot, let mode, let offset, let count):
            return called(CLinux.fallocate(descriptor(slot), mode.rawMode, offset, count))
        case .copyRange(let from, let offset, let to, let at, let count):
            var source = offset
            var target = at
            return called(CLinux.copy_file_range(descriptor(from), &source, descriptor(to), &target, UInt(count), 0))
        case .fsync(let slot): return called(Glibc.fsync(descriptor(slot)))
        case .rename(let from, let to, let flags):
            return called(clinux_rename(path(from), path(to), flags))
        case .link(let path, let target): return called(symlink(target, self.path(path)))
        case .hardLink(let from, let to): return called(Glibc.link(path(from), path(to)))
        case .unlink(let path): return called(Glibc.unlink(self.path(path)))
        case .makeDirectory(let path): return called(mkdir(self.path(path), 0o755))
        case .removeDirectory(let path): return called(rmdir(self.path(path)))
        case .changeMode(let path, let mode): return called(chmod(self.path(path), mode))
        case .setTimes(let path, let seconds):
            let time = timespec(tv_sec: seconds, tv_nsec: 123_456_789)
            return called(utimensat(AT_FDCWD, self.path(path), [time, time], 0))
        case .setAttribute(let path, let name, let bytes):
            return called(setxattr(self.path(path), name, bytes.make(), bytes.count, 0))
        case .removeAttribute(let path, let name): return called(removexattr(self.path(path), name))
        }
    }

    private func descriptor(_ slot: Int) -> Int32 { descriptors[slot] ?? -1 }

    private func called(_ result: some BinaryInteger) -> Outcome {
        Outcome(result: result < 0 ? -Int(errno) : Int(result))
    }

    /// Only what lies within the file: beyond it there is a signal instead of an answer.
    private func mapped(_ descriptor: Int32, _ offset: Int, _ bytes: ModelOperation.Bytes) -> Outcome {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return Outcome(result: -Int(errno)) }
        // A directory's size is nobody's business.
        let isFile = status.st_mode & S_IFMT == S_IFREG
        let count = min(bytes.count, Int(status.st_size) - offset)
        guard isFile, count > 0 else { return Outcome(result: 0) }
        let start = offset & ~4095
        let length = offset + count - start
        guard let map = mmap(nil, length, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, off_t(start)),
            map != MAP_FAILED
        else { return Outcome(result: -Int(errno)) }
        defer { munmap(map, length) }
        bytes.make().withUnsafeBytes {
            UnsafeMutableRawBufferPointer(start: map + (offset - start), count: count).copyMemory(
                from: UnsafeRawBufferPointer(rebasing: $0[..<count]))
        }
        return called(msync(map, length, MS_SYNC))
    }

    // MARK: What is there

    /// One name and what lies under it.
    struct Node: Hashable, CustomStringConvertible {
        /// S_IFMT of inode(7).
        let kind: UInt32
        let size: Int
        let mode: UInt32
        let links: Int
        let attributes: [String: [UInt8]]
        let target: String?
        let content: [UInt8]?

        var description: String {
            "\(String(kind, radix: 8)) of \(size) bytes, \(String(mode, radix: 8)) links \(links) \(attributes.mapValues(\.count)) \(content.map { "\($0.count) bytes \($0.hashValue)" } ?? "")"
        }
    }

    /// - Parameter withContent: also what is in the files.
    func tree(withContent: Bool) -> [String: Node] {
        var nodes: [String: Node] = [:]
        var directories = [""]
        while let directory = directories.popLast() {
            guard let names = try? FileManager.default.contentsOfDirectory(atPath: root + directory) else { continue }
            for name in names {
                let path = directory + "/" + name
                var status = stat()
                guard lstat(root + path, &status) == 0 else { continue }
                let isDirectory = status.st_mode & S_IFMT == S_IFDIR
                if isDirectory { directories.append(path) }
                let kind = status.st_mode & S_IFMT
                let isLink = kind == S_IFLNK
                nodes[path] = Node(
                    kind: kind, size: isDirectory ? 0 : Int(status.st_size), mode: status.st_mode & 0o7777,
                    links: isDirectory ? 0 : Int(status.st_nlink),
                    attributes: isLink ? [:] : attributes(root + path), target: isLink ? target(root + path) : nil,
                    content: isDirectory || isLink || !withContent
                        ? nil : FileManager.default.contents(atPath: root + path).map { Array($0) } ?? [])
            }
        }
        return nodes
    }

    private func target(_ path: String) -> String? {
        try? FileManager.default.destinationOfSymbolicLink(atPath: path)
    }

    private func attributes(_ path: String) -> [String: [UInt8]] {
        var found: [String: [UInt8]] = [:]
        for name in ["user.0", "user.1"] {
            var value = [UInt8](repeating: 0, count: 256)
            let count = getxattr(path, name, &value, value.count)
            if count >= 0 { found[name] = Array(value.prefix(Int(count))) }
        }
        return found
    }

    /// Times of modification and of change of every name, in nanoseconds.
    func times() -> [String: (modified: Int, changed: Int)] {
        var times: [String: (modified: Int, changed: Int)] = [:]
        for name in ["", "a", "b", "c", "d", "g", "d/e", "d/f", "g/e"] {
            var status = stat()
            guard lstat(path(name), &status) == 0 else { continue }
            func nanoseconds(_ time: timespec) -> Int { Int(time.tv_sec) * 1_000_000_000 + Int(time.tv_nsec) }
            times[name] = (nanoseconds(status.st_mtim), nanoseconds(status.st_ctim))
        }
        return times
    }
}
