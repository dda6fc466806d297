import UploadCore

/// In the place of a spool file that is gone: nothing of it can be read or changed here.
final class AbsentFile: SpoolFile {
    let version: VersionID
    let descriptor: Int32 = -1

    init(version: VersionID) {
        self.version = version
    }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(SpoolError) -> Int {
        throw .missing(version)
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(SpoolError) { throw .missing(version) }
    func truncate(to size: Int64) throws(SpoolError) { throw .missing(version) }
    func punch(_ range: Range<Int64>) throws(SpoolError) { throw .missing(version) }
    func allocate(_ range: Range<Int64>, keepingSize: Bool) throws(SpoolError) { throw .missing(version) }
    func size() throws(SpoolError) -> Int64 { throw .missing(version) }

    /// All of it is elsewhere, which `Content` knows.
    func next(_ kind: SpoolExtent, from offset: Int64) throws(SpoolError) -> Int64? { nil }

    func measure() {}

    /// What is published is on stable storage.
    func synchronize() throws(SpoolError) {}
}
