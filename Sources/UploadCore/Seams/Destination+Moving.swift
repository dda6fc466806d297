/// A copy that a destination has made.
package struct CopiedObject: Hashable, Sendable {
    /// Where it is.
    package let object: ObjectReference
    /// The tag of what it is a copy of; nil: not told.
    package let sourceTag: String?

    package init(object: ObjectReference, sourceTag: String? = nil) {
        self.object = object
        self.sourceTag = sourceTag
    }
}

extension Destination {
    package func copy(
        _ source: ObjectReference, to object: ObjectDescription
    ) async throws(DestinationError) -> CopiedObject? {
        throw .rejected(Rejection(status: 501, cause: .other, detail: "nothing can be copied there"))
    }

    package func delete(_ object: ObjectReference) async throws(DestinationError) {
        throw .rejected(Rejection(status: 501, cause: .other, detail: "nothing can be deleted there"))
    }
}
