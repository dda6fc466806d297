import HTTPTypes
package import UploadCore

/// Renaming and deleting what is published. Whatever is touched is looked at first: an object that has become another's
/// is left alone.
extension S3Destination {
    /// HeadObject of the source, CopyObject, HeadObject of the copy: it is believed when it is there, as big as its source.
    package func copy(
        _ source: ObjectReference, to object: ObjectDescription
    ) async throws(DestinationError) -> CopiedObject? {
        let from = key(of: source)
        var refused: String?
        for _ in 0..<S3Conflicts.rounds {
            guard let found = try await own(source, from) else { return nil }
            let key = conflicts.key(object.path)
            guard let condition = try await conflicts.condition(for: key, wasRefused: refused != nil) else {
                try conflicts.taken(object.path)
                refused = nil
                continue
            }
            // Put beside its name before, it is renamed to where it lies.
            if key.utf8.elementsEqual(from.utf8) {
                let place = ObjectReference(
                    path: object.path, url: endpoint.location.url(key), size: found.size,
                    tag: found.isWeak ? nil : found.tag)
                return CopiedObject(object: place, sourceTag: nil)
            }
            let mark = S3Mark(origin: endpoint.options.origin, key: key)
            var description = object
            // Its first bytes may have told, when it was sent.
            if object.contentType == ContentType.unknown, let type = found.contentType {
                description.contentType = type
            }
            // Refused though it is the same as before: it is no other that the server compares it with.
            let copies = S3Copies(
                endpoint: endpoint, source: found, sourceKey: from, namesTag: refused != found.tag)
            do throws(DestinationError) {
                try await copies.make(key, description.s3Fields(endpoint.options, mark), condition)
            } catch {
                // The source is gone or another, or somebody else has the name: looked at again, unless it was already.
                guard error.isConflict, !condition.isEmpty || refused != found.tag else { throw error }
                refused = found.tag
                continue
            }
            let tag = try await tag(of: key, size: found.size)
            if let tag { conflicts.put(key, tag: tag) }
            return CopiedObject(
                object: ObjectReference(
                    path: object.path, url: endpoint.location.url(key), size: found.size, tag: tag),
                sourceTag: found.isWeak ? nil : found.tag)
        }
        throw .busy(status: 412, retryAfter: nil)
    }

    /// DeleteObject, as long as it is the object that we know.
    package func delete(_ object: ObjectReference) async throws(DestinationError) {
        let key = key(of: object)
        var known = object
        // Many servers delete whatever the condition says.
        if known.tag == nil || endpoint.location.endpoint != nil {
            guard let found = try await own(object, key) else { return }
            known = ObjectReference(
                path: object.path, url: object.url, size: found.size, tag: found.isWeak ? nil : found.tag)
        }
        var request = S3Request(method: .delete, key: key, operation: "delete")
        if let tag = known.tag { request.fields = [("if-match", "\"\(tag)\"")] }
        var response = try await endpoint.answer(request)
        if known.tag != nil, response.status == 412 || response.status == 501 {
            guard try await own(known, key) != nil else { return }
            // It knows no such condition, or compares another ETag than it tells.
            request.fields = []
            response = try await endpoint.answer(request)
        }
        guard response.isSuccess || response.status == 404 else { throw S3Failures.error(response) }
        conflicts.forget(key)
    }

    /// The key that an object was published under: that of its path, or one beside it.
    private func key(of object: ObjectReference) -> String {
        if let key = object.url.flatMap(endpoint.location.key(ofURL:)), conflicts.isKey(key, of: object.path) {
            return key
        }
        return endpoint.location.key(object.path)
    }

    /// - Returns: nil when there is none, or one that is not known to be ours.
    private func own(_ object: ObjectReference, _ key: String) async throws(DestinationError) -> S3Object? {
        switch try await endpoint.object(key) {
        case .nothing: return nil
        case .object(let found): return conflicts.isOwn(found, key, as: object) ? found : nil
        case .untold:
            throw .forbidden(status: 403, detail: "\(key) may not be read, and so be neither copied nor deleted safely")
        }
    }

    /// Of a copy that is as big as its source.
    private func tag(of key: String, size: Int64) async throws(DestinationError) -> String? {
        switch try await endpoint.object(key) {
        case .object(let copy) where copy.size == size: return copy.isWeak ? nil : copy.tag
        case .object, .nothing: throw .damaged
        // It was read a moment ago as well.
        case .untold: throw .forbidden(status: 403, detail: "\(key) may not be read")
        }
    }
}

extension S3Conflicts {
    /// Whether what a key has is what this mount has put there.
    func isOwn(_ found: S3Object, _ key: String, as object: ObjectReference) -> Bool {
        if let tag = object.tag, !found.isWeak { return found.tag == tag }
        guard object.size ?? found.size == found.size else { return false }
        if let mark = found.mark { return mark.isSameObject(as: S3Mark(origin: endpoint.options.origin, key: key)) }
        // Some servers keep no metadata. By its receipt it is ours, unless others are to be looked out for.
        return isRemembered(found.tag, key) || object.url != nil && endpoint.options.onConflict == .overwrite
    }
}
