/// Content types as a server may restrict them.
enum ContentTypes {
    /// It will stand in a response's header and in an attribute of the file: a line of visible ASCII.
    static func isPresentable(_ type: String) -> Bool {
        (1...255).contains(type.utf8.count) && type.utf8.allSatisfy { (32...126).contains($0) }
    }
}
