/// Reading what is published, once its bytes have left the spool. Two seams: what a destination is asked for one
/// range, and how the filesystem reads a file, which is cut into such ranges between the two (Engine/ReadBack).

/// A published object, as far as is known of it.
package struct ReadableObject: Sendable, Hashable {
    /// Whose bytes it has.
    package let version: VersionID
    /// Where the file lies, which is the name that it was published under.
    package let path: UploadPath
    /// What the destination called it then; nil: no longer known.
    package let url: String?
    /// Bytes.
    package let size: Int64
    /// Of the whole content, as the receipt has it; nil: no longer known.
    package let digest: String?
    /// What told it from other objects of its name when it was published; nil: nobody said so, or it is no longer
    /// known.
    package let tag: String?
    /// The same, as the first answer has told it: all later ones must be of that object.
    package var held: String?

    package init(
        version: VersionID, path: UploadPath, size: Int64, url: String? = nil, digest: String? = nil,
        tag: String? = nil
    ) {
        self.version = version
        self.path = path
        self.url = url
        self.size = size
        self.digest = digest
        self.tag = tag
    }

    /// - Parameter receipt: what was confirmed of it; nil: that was forgotten by now.
    package init(version: VersionID, path: UploadPath, size: Int64, _ receipt: PublishReceipt?) {
        self.init(
            version: version, path: path, size: receipt?.size ?? size, url: receipt?.url, digest: receipt?.digest,
            tag: receipt?.tag)
    }
}

/// Some bytes of a published object.
package struct ObjectPiece: Sendable, Hashable {
    /// All that were asked for.
    package let bytes: [UInt8]
    /// Tells the object that they are of from others of its name.
    package let tag: String

    package init(bytes: [UInt8], tag: String) {
        self.bytes = bytes
        self.tag = tag
    }
}

extension Destination {
    package func read(
        _ range: Range<Int64>, of object: ReadableObject
    ) async throws(DestinationError) -> ObjectPiece {
        throw .rejected(Rejection(status: 405, cause: .other, detail: "what is there can't be read back"))
    }
}

extension DestinationError {
    /// Another object has the name of one that was published.
    package static let objectChanged = DestinationError.rejected(
        Rejection(status: 412, cause: .changed, detail: "it is not the object that was published"))

    /// Nothing has the name of an object that was published.
    package static let objectGone = DestinationError.rejected(
        Rejection(status: 404, cause: .gone, detail: "there is nothing of its name"))
}

/// Published files, for the filesystem. Called from its threads: nothing here waits.
package protocol RemoteFiles: Sendable {
    /// Whether the destination can be read at all.
    var canRead: Bool { get }

    /// A file that is to be read. Asks nobody.
    func open(_ object: ReadableObject) -> any RemoteFile
}

/// One published file that is being read; what is kept of it in memory goes with it.
package protocol RemoteFile: AnyObject, Sendable {
    /// Calls `answer` once, on any thread, perhaps before this returns: with all bytes of the range, which lies within
    /// the file. Until then for a stated time at the most.
    /// - Returns: what ends the wait for it, without an answer.
    func read(_ range: Range<Int64>, _ answer: @escaping RemoteAnswer) -> @Sendable () -> Void

    /// It is no longer what the file has: who waits is told so, and who comes later.
    func close()
}

package typealias RemoteAnswer = @Sendable (Result<ArraySlice<UInt8>, RemoteReadError>) -> Void

package enum RemoteReadError: Error, Sendable, Hashable {
    case failed(Failure)
    /// The file has other content by now.
    case closed
}
