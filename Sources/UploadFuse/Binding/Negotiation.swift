import CFuse

/// What we agree upon with the kernel when the mount begins (FUSE_INIT).
extension fuse_conn_info {
    mutating func negotiate(splicesWrites: Bool) {
        // What one request carries at the most. Each of libfuse's threads keeps memory for it, and splices it
        // only through a pipe that holds it: one over 1 MiB is not for everybody (pipe(7), pipe-max-size).
        max_write = 256 << 10
        max_readahead = max(max_readahead, 1 << 20)
        max_background = 64
        congestion_threshold = 48
        // Timestamps to the nanosecond.
        time_gran = 1

        want(FUSE_CAP_PARALLEL_DIROPS | FUSE_CAP_READDIRPLUS | FUSE_CAP_READDIRPLUS_AUTO, true)
        want(FUSE_CAP_ASYNC_READ | FUSE_CAP_ATOMIC_O_TRUNC, true)
        // Reads: from the spool file to the kernel without passing through us.
        want(FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE, true)
        want(FUSE_CAP_SPLICE_READ, splicesWrites)
        // Our mtime is not the kernel's to the nanosecond, and it would drop its cache for that.
        want(FUSE_CAP_AUTO_INVAL_DATA, false)
        // Let the kernel clear set-user-ID bits by setattr, as for most filesystems.
        want(FUSE_CAP_HANDLE_KILLPRIV, false)
        // Not for NFS: an inode that the kernel forgot is found by its name only.
        want(FUSE_CAP_EXPORT_SUPPORT, false)
        // Every open shall come to us, and every write before write(2) returns.
        want(FUSE_CAP_NO_OPEN_SUPPORT | FUSE_CAP_NO_OPENDIR_SUPPORT | FUSE_CAP_WRITEBACK_CACHE, false)
    }

    private mutating func want(_ capabilities: Int32, _ isWanted: Bool) {
        let bits = UInt32(bitPattern: capabilities)
        want = isWanted ? want | (capable & bits) : want & ~bits
    }
}
