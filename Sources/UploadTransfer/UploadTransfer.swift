// UploadTransfer sends files to destinations.
//
// - `Curl/` requests over HTTP: one thread owns libcurl's multi handle. It knows nothing of uploads,
//   and it is the only folder here with unsafe code and the only one that imports CCurl.
// - `Native/` the native protocol (`UploadCore/Seams/NativeProtocol.swift`) as a `Destination`.
// - `Reading/` what a request for a part of an object is answered, whatever the protocol.
// - `S3/` the protocol of S3 as one; `S3/Credentials/` where its keys come from.
//
// Not in here: when to send what, and whether to try again (UploadCore/Engine decides), files and
// their durability (UploadStore), and the other end of the wire (UploadServer).
