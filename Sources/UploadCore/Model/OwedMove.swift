/// An object that we have published, as far as we know it.
package struct ObjectReference: Hashable, Sendable {
    /// Of the file that it was published for.
    package let path: UploadPath
    /// As its receipt told; nil: that was forgotten.
    package let url: String?
    /// Bytes.
    package let size: Int64?
    /// Tells one content of it from others, in the destination's words (an ETag); nil: not known.
    package let tag: String?

    package init(path: UploadPath, url: String? = nil, size: Int64? = nil, tag: String? = nil) {
        self.path = path
        self.url = url
        self.size = size
        self.tag = tag
    }
}

/// What a rename or an unlink has promised of an object, as long as the destination has not done it. There is one of an
/// object at the most, and one of a file.
package struct OwedMove: Hashable, Sendable {
    /// Never used twice; what was owed later has a higher one.
    package let number: Int64
    package let object: ObjectReference
    /// It is to follow this file to where that lies. nil: it is nobody's any more, and is to be deleted.
    package let file: FileID?
    /// Of one that is to be deleted the file that has left it behind, or has taken its place: that one's rename is done
    /// when it is gone. nil: it was unlinked.
    package let successor: FileID?
    /// Why it needs a decision.
    package let failure: Failure?

    package init(
        number: Int64, object: ObjectReference, file: FileID?, successor: FileID? = nil, failure: Failure? = nil
    ) {
        self.successor = successor
        self.number = number
        self.object = object
        self.file = file
        self.failure = failure
    }
}
