import CFuse

/// An open handle as the kernel keeps it: `fi->fh` holds one retained pointer to a box.
///
/// Proof: `keep` retains once, before the kernel learns of the number; the kernel sends a number only
/// after that and until RELEASE, which comes once, after all other requests of that handle are
/// answered, and gives the retain back.
private final class HandleBox: Sendable {
    let handle: OpenHandle

    init(_ handle: OpenHandle) {
        self.handle = handle
    }
}

extension fuse_file_info {
    mutating func keep(_ opened: Opened) {
        let box = Unmanaged.passRetained(HandleBox(opened.handle))
        fh = UInt64(UInt(bitPattern: box.toOpaque()))
        direct_io = opened.isDirect ? 1 : 0
        // Contents change through the kernel only, so what it has in its cache stays true.
        keep_cache = opened.isDirect ? 0 : 1
        noflush = opened.needsNoFlush ? 1 : 0
    }

    private var box: Unmanaged<HandleBox>? {
        UnsafeRawPointer(bitPattern: UInt(fh)).map { Unmanaged.fromOpaque($0) }
    }

    var handle: OpenHandle? { box?.takeUnretainedValue().handle }

    /// RELEASE, or a reply to open that the kernel did not want.
    @discardableResult
    mutating func dropHandle() -> OpenHandle? {
        defer { fh = 0 }
        return box?.takeRetainedValue().handle
    }
}

extension UnsafeMutablePointer<fuse_file_info>? {
    func handle() throws(FileSystemError) -> OpenHandle {
        guard let handle = self?.pointee.handle else { throw .badHandle }
        return handle
    }
}
