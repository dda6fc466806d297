/// The media type that a name's suffix tells. A table of what people copy; it decides the header the
/// object is served with and, for video, the chunk size. What is not in it is plain bytes.
package enum ContentType {
    package static let unknown = "application/octet-stream"

    package static func of(_ name: FileName) -> String {
        name.pathExtension.flatMap { bySuffix[$0] } ?? unknown
    }

    /// IANA's media types registry; `x-` where IANA has none and everybody uses it.
    private static let bySuffix: [String: String] = [
        // Text and documents.
        "txt": "text/plain", "log": "text/plain", "md": "text/markdown", "csv": "text/csv",
        "tsv": "text/tab-separated-values", "html": "text/html", "htm": "text/html", "css": "text/css",
        "js": "text/javascript", "mjs": "text/javascript", "xml": "application/xml", "json": "application/json",
        "ndjson": "application/x-ndjson", "yaml": "application/yaml", "yml": "application/yaml",
        "toml": "application/toml", "pdf": "application/pdf", "rtf": "application/rtf",
        "ps": "application/postscript", "epub": "application/epub+zip",
        "doc": "application/msword", "xls": "application/vnd.ms-excel", "ppt": "application/vnd.ms-powerpoint",
        "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        "odt": "application/vnd.oasis.opendocument.text", "ods": "application/vnd.oasis.opendocument.spreadsheet",
        "odp": "application/vnd.oasis.opendocument.presentation",
        // Pictures.
        "jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png", "gif": "image/gif", "webp": "image/webp",
        "avif": "image/avif", "heic": "image/heic", "heif": "image/heif", "svg": "image/svg+xml",
        "tif": "image/tiff", "tiff": "image/tiff", "bmp": "image/bmp", "ico": "image/vnd.microsoft.icon",
        "dng": "image/x-adobe-dng",
        // Sound.
        "mp3": "audio/mpeg", "m4a": "audio/mp4", "aac": "audio/aac", "ogg": "audio/ogg", "oga": "audio/ogg",
        "opus": "audio/ogg", "flac": "audio/flac", "wav": "audio/wav", "mid": "audio/midi",
        // Video.
        "mp4": "video/mp4", "m4v": "video/mp4", "mov": "video/quicktime", "mkv": "video/matroska",
        "webm": "video/webm", "avi": "video/x-msvideo", "mpg": "video/mpeg", "mpeg": "video/mpeg",
        "ogv": "video/ogg", "3gp": "video/3gpp", "mts": "video/mp2t", "m2ts": "video/mp2t",
        // Archives, images of disks, programs.
        "zip": "application/zip", "gz": "application/gzip", "tgz": "application/gzip", "bz2": "application/x-bzip2",
        "xz": "application/x-xz", "zst": "application/zstd", "7z": "application/x-7z-compressed",
        "rar": "application/vnd.rar", "tar": "application/x-tar", "iso": "application/x-iso9660-image",
        "deb": "application/vnd.debian.binary-package", "apk": "application/vnd.android.package-archive",
        "jar": "application/java-archive", "wasm": "application/wasm", "sqlite": "application/vnd.sqlite3",
        // Fonts.
        "ttf": "font/ttf", "otf": "font/otf", "woff": "font/woff", "woff2": "font/woff2",
    ]
}
