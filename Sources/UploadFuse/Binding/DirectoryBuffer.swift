import CFuse
import Glibc

/// Directory entries as READDIR and READDIRPLUS want them, until the kernel's buffer is full.
struct DirectoryBuffer: ~Copyable {
    private let request: fuse_req_t?
    private let plus: Bool
    private let bytes: UnsafeMutableRawBufferPointer
    private var used = 0

    /// The kernel may ask for a megabyte at once; a part of it is a good answer too.
    private static let largest = 128 << 10

    init(request: fuse_req_t?, room: Int, plus: Bool) {
        self.request = request
        self.plus = plus
        bytes = .allocate(byteCount: min(room, Self.largest), alignment: 8)
    }

    deinit {
        bytes.deallocate()
    }

    /// - Returns: whether there was room for it.
    mutating func add(_ item: DirectoryItem) -> Bool {
        let rest = bytes.count - used
        let place = bytes.baseAddress.map { ($0 + used).assumingMemoryBound(to: CChar.self) }
        // Both return the bytes that the item needs, and write only if there are as many.
        let needed: Int
        if plus {
            var entry = fuse_entry_param(item.entry)
            needed = fuse_add_direntry_plus(request, place, rest, item.name, &entry, Int(item.nextOffset))
        } else {
            var status = stat(item.entry.attributes)
            needed = fuse_add_direntry(request, place, rest, item.name, &status, Int(item.nextOffset))
        }
        guard needed <= rest else { return false }
        used += needed
        return true
    }

    consuming func send(_ request: fuse_req_t?) {
        fuse_reply_buf(request, bytes.baseAddress, used)
    }
}
