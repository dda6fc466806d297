import CFuse
import Glibc
import UploadCore

/// A request that is to be answered exactly once: every answer consumes it, and one that is dropped
/// without is answered EIO. Errors become errno, and unexpected ones a log line, here and nowhere else.
struct Reply: ~Copyable {
    private let request: fuse_req_t?
    private let operation: StaticString

    init(_ request: fuse_req_t?, _ operation: StaticString) {
        self.request = request
        self.operation = operation
    }

    deinit {
        fuse_reply_err(request, EIO)
    }

    // MARK: One answer per kind of request

    /// What may have to wait for something else first.
    /// - Parameters:
    ///   - wait: what for; nil: nothing.
    ///   - answer: on this thread then, else on that of who ends the wait. Must not wait once more.
    consuming func after(
        _ wait: (FileSystem) throws(FileSystemError) -> Waiter?,
        then answer: @escaping @Sendable (consuming Reply) -> Void
    ) {
        let operation = operation
        do throws(FileSystemError) {
            let context = context
            guard let waiter = try wait(context.fileSystem) else { return answer(self) }
            context.parked.park(take(), waiter) { request in answer(Reply(request, operation)) }
        } catch {
            fail(error)
        }
    }

    consuming func done(_ work: (FileSystem) throws(FileSystemError) -> Void) {
        answer(work) { request, _ in fuse_reply_err(request, 0) }
    }

    /// - Parameters:
    ///   - parent: the directory of a name that may not be there.
    ///   - work: nil says that there is no such name, which the kernel may remember.
    consuming func entry(in parent: UInt64? = nil, _ work: (FileSystem) throws(FileSystemError) -> Entry?) {
        let validity = parent.map(context.fileSystem.missingValidity) ?? 0
        answer(work) { request, entry in
            var parameter = entry.map(fuse_entry_param.init) ?? .missing(validity: validity)
            return fuse_reply_entry(request, &parameter)
        } undo: { fileSystem, entry in
            if let entry { fileSystem.forget(entry.attributes.inode, count: 1) }
        }
    }

    consuming func attributes(_ work: (FileSystem) throws(FileSystemError) -> Entry) {
        answer(work) { request, entry in
            var status = stat(entry.attributes)
            return fuse_reply_attr(request, &status, entry.validity)
        }
    }

    consuming func created(
        _ info: UnsafeMutablePointer<fuse_file_info>?,
        _ work: (FileSystem) throws(FileSystemError) -> (entry: Entry, opened: Opened)
    ) {
        answer(work) { request, created in
            var parameter = fuse_entry_param(created.entry)
            info?.pointee.keep(created.opened)
            return fuse_reply_create(request, &parameter, info)
        } undo: { fileSystem, created in
            info?.pointee.dropHandle()
            fileSystem.release(created.opened.handle)
            fileSystem.forget(created.entry.attributes.inode, count: 1)
        }
    }

    consuming func opened(
        _ info: UnsafeMutablePointer<fuse_file_info>?, _ work: (FileSystem) throws(FileSystemError) -> Opened
    ) {
        answer(work) { request, opened in
            info?.pointee.keep(opened)
            return fuse_reply_open(request, info)
        } undo: { fileSystem, opened in
            info?.pointee.dropHandle()
            fileSystem.release(opened.handle)
        }
    }

    consuming func written(_ work: (FileSystem) throws(FileSystemError) -> WriteAnswer) {
        do throws(FileSystemError) {
            let context = context
            switch try work(context.fileSystem) {
            case .written(let count): fuse_reply_write(take(), count)
            case .parked(let waiter): context.parked.park(take(), waiter)
            }
        } catch {
            fail(error)
        }
    }

    consuming func position(_ work: (FileSystem) throws(FileSystemError) -> Int64) {
        answer(work) { request, position in fuse_reply_lseek(request, off_t(position)) }
    }

    consuming func target(_ work: (FileSystem) throws(FileSystemError) -> [UInt8]) {
        answer(work) { request, target in
            (target + [0]).withUnsafeBytes {
                fuse_reply_readlink(request, $0.baseAddress?.assumingMemoryBound(to: CChar.self))
            }
        }
    }

    consuming func capacity(_ work: (FileSystem) throws(FileSystemError) -> SpoolCapacity) {
        answer(work) { request, capacity in
            var status = statvfs(capacity)
            return fuse_reply_statfs(request, &status)
        }
    }

    /// getxattr(2) and listxattr(2): with room for 0 bytes they ask how many there are.
    consuming func value(room: Int, _ work: (FileSystem) throws(FileSystemError) -> [UInt8]) {
        answer { fileSystem throws(FileSystemError) in
            let value = try work(fileSystem)
            guard room == 0 || value.count <= room else { throw .attributeBufferTooSmall }
            return value
        } send: { request, value in
            guard room > 0 else { return fuse_reply_xattr(request, value.count) }
            return value.withUnsafeBytes { fuse_reply_buf(request, $0.baseAddress, $0.count) }
        }
    }

    consuming func read(_ work: (FileSystem) throws(FileSystemError) -> ReadAnswer) {
        do throws(FileSystemError) {
            let context = context
            let found = try work(context.fileSystem)
            let request = take()
            switch found {
            case .spool(let file, let offset, let count): sendFile(request, file, offset, count)
            case .bytes(let bytes): bytes.withUnsafeBytes { _ = fuse_reply_buf(request, $0.baseAddress, $0.count) }
            case .parked(let waiter): context.parked.park(request, waiter)
            }
        } catch {
            fail(error)
        }
    }

    /// What is in the directory is looked at when somebody begins to read it.
    consuming func listing(_ handle: OpenHandle?, in inode: UInt64, from offset: off_t, room: Int, plus: Bool) {
        after { fileSystem throws(FileSystemError) in
            guard offset == 0 else { return nil }
            return try fileSystem.look(into: inode)
        } then: { reply in
            reply.listing(room: room, plus: plus) { fileSystem, buffer throws(FileSystemError) in
                guard let handle else { throw .badHandle }
                try fileSystem.list(handle, from: Int64(offset), countsLookups: plus) { buffer.add($0) }
            }
        }
    }

    private consuming func listing(
        room: Int, plus: Bool, _ work: (FileSystem, inout DirectoryBuffer) throws(FileSystemError) -> Void
    ) {
        do throws(FileSystemError) {
            var buffer = DirectoryBuffer(request: request, room: room, plus: plus)
            try work(context.fileSystem, &buffer)
            buffer.send(take())
        } catch {
            fail(error)
        }
    }

    // MARK: The one way out

    private var context: SessionContext { SessionContext.of(request) }

    /// - Parameters:
    ///   - send: answers; not 0 when the kernel no longer wanted to hear it.
    ///   - undo: gives back what such a request would have counted or opened.
    private consuming func answer<T>(
        _ work: (FileSystem) throws(FileSystemError) -> T, send: (fuse_req_t?, T) -> Int32,
        undo: (FileSystem, T) -> Void = { _, _ in }
    ) {
        let context = context
        do throws(FileSystemError) {
            let value = try work(context.fileSystem)
            if send(take(), value) != 0 { undo(context.fileSystem, value) }
        } catch {
            fail(error)
        }
    }

    private consuming func fail(_ error: FileSystemError) {
        context.fileSystem.note(error, in: operation)
        fuse_reply_err(take(), error.code)
    }

    private consuming func take() -> fuse_req_t? {
        let request = request
        discard self
        return request
    }
}

/// Straight from the spool file: libfuse splices it to the kernel where that pays, and copies else.
private func sendFile(_ request: fuse_req_t?, _ file: any SpoolFile, _ offset: Int64, _ count: Int) {
    var source = fuse_bufvec(descriptor: file.descriptor, offset: offset, count: count)
    withExtendedLifetime(file) { _ = fuse_reply_data(request, &source, FUSE_BUF_SPLICE_MOVE) }
}
