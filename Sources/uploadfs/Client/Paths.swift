import Glibc

enum Paths {
    /// Absolute and without symlinks, without touching the last component: a mountpoint whose process
    /// has died can't be looked at.
    static func absolute(_ path: String) -> String {
        var path = path
        while path.count > 1 && path.hasSuffix("/") { path.removeLast() }
        guard path != "/" else { return path }
        let slash = path.lastIndex(of: "/")
        let parent = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let name = slash.map { String(path[path.index(after: $0)...]) } ?? path
        guard name != ".", name != "..", let resolved = resolved(parent) else { return resolved(path) ?? path }
        let joined = resolved == "/" ? "/" + name : resolved + "/" + name
        // A symlink to the mountpoint is followed, if that can be done.
        return self.resolved(joined) ?? joined
    }

    private static func resolved(_ path: String) -> String? {
        guard let pointer = realpath(path, nil) else { return nil }
        defer { free(pointer) }
        return String(cString: pointer)
    }
}
