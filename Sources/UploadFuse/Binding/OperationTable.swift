import CFuse
import Glibc

/// libfuse's table of callbacks. Each decodes, calls, and lets `Reply` answer; nothing is decided here.
///
/// Left out, because the kernel then does the right thing by itself (libfuse answers ENOSYS once):
/// access (`default_permissions` checks before we are asked), copy_file_range (copies through read and
/// write), getlk, setlk and flock (local locks), ioctl (ENOTTY), bmap, poll (always ready).
func makeOperationTable() -> fuse_lowlevel_ops {
    var table = fuse_lowlevel_ops()
    table.addSession()
    table.addNames()
    table.addDirectories()
    table.addFiles()
    table.addAttributes()
    return table
}

extension fuse_lowlevel_ops {
    fileprivate mutating func addSession() {
        `init` = { userdata, connection in
            guard let userdata, let connection else { return }
            let configuration = SessionContext.of(userdata: userdata).fileSystem.configuration
            connection.pointee.negotiate(splicesWrites: configuration.splicesWrites)
        }
    }

    fileprivate mutating func addNames() {
        lookup = { request, parent, name in
            let name = nameBytes(name)
            Reply(request, "lookup").after { fs throws(FileSystemError) in
                try fs.look(into: parent, for: name)
            } then: { reply in
                reply.entry(in: parent) { fs throws(FileSystemError) in try fs.lookup(name, in: parent) }
            }
        }
        forget = { request, inode, count in
            SessionContext.of(request).fileSystem.forget(inode, count: count)
            fuse_reply_none(request)
        }
        forget_multi = { request, count, all in
            let fileSystem = SessionContext.of(request).fileSystem
            for item in UnsafeBufferPointer(start: all, count: count) {
                fileSystem.forget(item.ino, count: item.nlookup)
            }
            fuse_reply_none(request)
        }
        symlink = { request, target, parent, name in
            Reply(request, "symlink").entry { fs throws(FileSystemError) in
                try fs.makeLink(
                    nameBytes(name), in: parent, to: nameBytes(target), by: FileSystem.Caller(request))
            }
        }
        readlink = { request, inode in
            Reply(request, "readlink").target { fs throws(FileSystemError) in try fs.target(inode) }
        }
        link = { request, inode, parent, name in
            Reply(request, "link").entry { fs throws(FileSystemError) in
                try fs.link(inode, to: nameBytes(name), in: parent)
            }
        }
        unlink = { request, parent, name in
            Reply(request, "unlink").done { fs throws(FileSystemError) in try fs.unlink(nameBytes(name), in: parent) }
        }
        rmdir = { request, parent, name in
            Reply(request, "rmdir").done { fs throws(FileSystemError) in
                try fs.removeDirectory(nameBytes(name), in: parent)
            }
        }
        rename = { request, parent, name, newParent, newName, flags in
            Reply(request, "rename").done { fs throws(FileSystemError) in
                let flags = FileSystem.RenameFlags(rawValue: flags)
                try fs.rename(nameBytes(name), in: parent, to: nameBytes(newName), in: newParent, flags: flags)
            }
        }
    }

    fileprivate mutating func addDirectories() {
        mkdir = { request, parent, name, mode in
            Reply(request, "mkdir").entry { fs throws(FileSystemError) in
                try fs.makeDirectory(nameBytes(name), in: parent, mode: mode, by: FileSystem.Caller(request))
            }
        }
        opendir = { request, inode, info in
            Reply(request, "opendir").opened(info) { fs throws(FileSystemError) in
                Opened(handle: try fs.openDirectory(inode))
            }
        }
        readdir = { request, inode, room, offset, info in
            Reply(request, "readdir").listing(info?.pointee.handle, in: inode, from: offset, room: room, plus: false)
        }
        readdirplus = { request, inode, room, offset, info in
            Reply(request, "readdirplus").listing(info?.pointee.handle, in: inode, from: offset, room: room, plus: true)
        }
        releasedir = { request, inode, info in
            Reply(request, "releasedir").done { fs throws(FileSystemError) in _ = info?.pointee.dropHandle() }
        }
        fsyncdir = { request, inode, dataOnly, info in
            Reply(request, "fsyncdir").done { fs throws(FileSystemError) in try fs.synchronizeJournal() }
        }
    }

    fileprivate mutating func addFiles() {
        create = { request, parent, name, mode, info in
            Reply(request, "create").created(info) { fs throws(FileSystemError) in
                let caller = FileSystem.Caller(request)
                let flags = info?.pointee.flags ?? O_RDWR
                return try fs.create(nameBytes(name), in: parent, mode: mode, flags: flags, by: caller)
            }
        }
        mknod = { request, parent, name, mode, device in
            Reply(request, "mknod").entry { fs throws(FileSystemError) in
                try fs.makeNode(nameBytes(name), in: parent, mode: mode, by: FileSystem.Caller(request))
            }
        }
        open = { request, inode, info in
            Reply(request, "open").opened(info) { fs throws(FileSystemError) in
                try fs.open(inode, flags: info?.pointee.flags ?? O_RDONLY, by: FileSystem.Caller(request).thread)
            }
        }
        read = { request, inode, count, offset, info in
            Reply(request, "read").read { fs throws(FileSystemError) in
                try fs.read(try info.handle(), count, at: Int64(offset))
            }
        }
        write_buf = { request, inode, bytes, offset, info in
            Reply(request, "write").written { fs throws(FileSystemError) in
                guard let bytes else { throw .invalid }
                let isWriteback = info?.pointee.writepage == 1
                let thread = isWriteback ? ProcessTable.writeback : FileSystem.Caller(request).thread
                return try fs.write(try info.handle(), KernelBytes(bytes), at: Int64(offset), by: thread)
            }
        }
        flush = { request, inode, info in
            Reply(request, "flush").done { fs throws(FileSystemError) in
                try fs.flush(try info.handle(), by: FileSystem.Caller(request).thread)
            }
        }
        release = { request, inode, info in
            Reply(request, "release").done { fs throws(FileSystemError) in
                if let handle = info?.pointee.dropHandle() { fs.release(handle) }
            }
        }
        fallocate = { request, inode, mode, offset, length, info in
            Reply(request, "fallocate").done { fs throws(FileSystemError) in
                let (end, overflow) = Int64(offset).addingReportingOverflow(Int64(length))
                guard offset >= 0, length > 0 else { throw .invalid }
                guard !overflow else { throw .tooLarge }
                try fs.allocate(
                    try info.handle(), Int64(offset)..<end, FileSystem.AllocationMode(rawValue: mode),
                    by: FileSystem.Caller(request).thread)
            }
        }
        lseek = { request, inode, offset, whence, info in
            Reply(request, "lseek").position { fs throws(FileSystemError) in
                try fs.seek(try info.handle(), whence: whence, from: Int64(offset))
            }
        }
        fsync = { request, inode, dataOnly, info in
            Reply(request, "fsync").done { fs throws(FileSystemError) in try fs.synchronize(try info.handle()) }
        }
    }

    fileprivate mutating func addAttributes() {
        getattr = { request, inode, info in
            Reply(request, "getattr").attributes { fs throws(FileSystemError) in try fs.attributes(inode) }
        }
        setattr = { request, inode, wanted, mask, info in
            Reply(request, "setattr").attributes { fs throws(FileSystemError) in
                guard let wanted else { throw .invalid }
                let handle = info == nil ? nil : try info.handle()
                let thread = FileSystem.Caller(request).thread
                return try fs.change(inode, AttributeChange(wanted.pointee, mask), through: handle, by: thread)
            }
        }
        statfs = { request, inode in
            Reply(request, "statfs").capacity { fs throws(FileSystemError) in try fs.capacity() }
        }
        getxattr = { request, inode, name, room in
            Reply(request, "getxattr").value(room: room) { fs throws(FileSystemError) in
                try fs.extendedAttribute(attributeName(name), of: inode)
            }
        }
        listxattr = { request, inode, room in
            Reply(request, "listxattr").value(room: room) { fs throws(FileSystemError) in
                // Each name ends with a NUL, listxattr(2).
                try fs.extendedAttributeNames(of: inode).flatMap { Array($0.utf8) + [0] }
            }
        }
        setxattr = { request, inode, name, value, count, flags in
            Reply(request, "setxattr").done { fs throws(FileSystemError) in
                let value = Array(UnsafeRawBufferPointer(start: value, count: count))
                let mode = FileSystem.AttributeMode(flags: flags)
                try fs.setExtendedAttribute(attributeName(name), to: value, of: inode, mode: mode)
            }
        }
        removexattr = { request, inode, name in
            Reply(request, "removexattr").done { fs throws(FileSystemError) in
                try fs.removeExtendedAttribute(attributeName(name), of: inode)
            }
        }
    }
}

extension FileSystem.AttributeMode {
    /// XATTR_CREATE and XATTR_REPLACE of setxattr(2), which Glibc declares as an enumeration.
    fileprivate init(flags: Int32) {
        self = flags & 1 != 0 ? .mustBeNew : flags & 2 != 0 ? .mustExist : .any
    }
}
