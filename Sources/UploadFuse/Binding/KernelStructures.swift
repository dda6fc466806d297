import CFuse
import Glibc
import UploadCore

extension stat {
    init(_ attributes: FileAttributes) {
        self.init()
        st_ino = UInt(attributes.inode)
        st_mode = attributes.mode
        st_nlink = UInt(attributes.links)
        st_uid = attributes.owner
        st_gid = attributes.group
        st_size = Int(attributes.size)
        st_blksize = 4096
        st_blocks = Int(attributes.blocks)
        st_atim = timespec(attributes.times.accessed)
        st_mtim = timespec(attributes.times.modified)
        st_ctim = timespec(attributes.times.changed)
    }
}

extension timespec {
    init(_ moment: Timestamp) {
        self.init(tv_sec: Int(moment.seconds), tv_nsec: Int(moment.fraction))
    }
}

extension Timestamp {
    init(_ time: timespec) {
        self.init(seconds: Int64(time.tv_sec), nanoseconds: Int64(time.tv_nsec))
    }
}

extension statvfs {
    init(_ capacity: SpoolCapacity) {
        self.init()
        f_bsize = UInt(capacity.blockSize)
        f_frsize = UInt(capacity.blockSize)
        f_blocks = UInt(capacity.total)
        f_bfree = UInt(capacity.available)
        f_bavail = UInt(capacity.available)
        f_files = UInt(capacity.files)
        f_ffree = UInt(capacity.filesAvailable)
        f_favail = UInt(capacity.filesAvailable)
        f_namemax = UInt(FileName.maximumLength)
    }
}

extension fuse_entry_param {
    init(_ entry: Entry) {
        self.init()
        ino = entry.attributes.inode
        // Inode numbers are never used twice (`Namespace`), so one generation is enough.
        generation = 1
        attr = stat(entry.attributes)
        attr_timeout = entry.validity
        entry_timeout = entry.validity
    }

    /// "No such name", which may be remembered: names come into being through the kernel only, or by a listing.
    static func missing(validity: Double) -> fuse_entry_param {
        var parameter = fuse_entry_param()
        parameter.entry_timeout = validity
        return parameter
    }
}

extension fuse_bufvec {
    /// Memory to be filled.
    init(memory: UnsafeMutableRawBufferPointer) {
        let buffer = fuse_buf(
            size: memory.count, flags: fuse_buf_flags(rawValue: 0), mem: memory.baseAddress, fd: -1, pos: 0)
        self.init(count: 1, idx: 0, off: 0, buf: buffer)
    }

    /// A part of a file.
    init(descriptor: Int32, offset: Int64, count: Int) {
        let flags = fuse_buf_flags(FUSE_BUF_IS_FD.rawValue | FUSE_BUF_FD_SEEK.rawValue)
        let buffer = fuse_buf(size: count, flags: flags, mem: nil, fd: descriptor, pos: Int(offset))
        self.init(count: 1, idx: 0, off: 0, buf: buffer)
    }
}

extension AttributeChange {
    init(_ wanted: stat, _ mask: Int32) {
        self.init()
        if mask & FUSE_SET_ATTR_MODE != 0 { mode = wanted.st_mode }
        if mask & FUSE_SET_ATTR_UID != 0 { owner = wanted.st_uid }
        if mask & FUSE_SET_ATTR_GID != 0 { group = wanted.st_gid }
        if mask & FUSE_SET_ATTR_SIZE != 0 { size = Int64(wanted.st_size) }
        if mask & FUSE_SET_ATTR_ATIME != 0 { accessed = .at(Timestamp(wanted.st_atim)) }
        if mask & FUSE_SET_ATTR_MTIME != 0 { modified = .at(Timestamp(wanted.st_mtim)) }
        if mask & FUSE_SET_ATTR_ATIME_NOW != 0 { accessed = .now }
        if mask & FUSE_SET_ATTR_MTIME_NOW != 0 { modified = .now }
    }
}

extension FileSystem.Caller {
    init(_ request: fuse_req_t?) {
        guard let context = fuse_req_ctx(request)?.pointee else {
            self.init(owner: geteuid(), group: getegid())
            return
        }
        self.init(owner: context.uid, group: context.gid, thread: context.pid)
    }
}

/// The bytes of a name, which need not be UTF-8.
func nameBytes(_ name: UnsafePointer<CChar>?) -> [UInt8] {
    guard let name else { return [] }
    return Array(UnsafeRawBufferPointer(start: name, count: strlen(name)))
}

/// The name of an extended attribute. One that is no UTF-8 matches none that is kept.
func attributeName(_ name: UnsafePointer<CChar>?) -> String {
    String(decoding: nameBytes(name), as: UTF8.self)
}
