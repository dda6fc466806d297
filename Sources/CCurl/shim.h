#ifndef UPLOADFS_CCURL_SHIM_H
#define UPLOADFS_CCURL_SHIM_H

// libcurl as Swift can call it. Swift can't call variadic C functions, and curl_easy_setopt,
// curl_easy_getinfo and curl_multi_setopt are variadic: one shim here for each type of argument that
// we hand over (curl_easy_setopt(3) says which option takes which). Nothing else belongs in here.

#include <curl/curl.h>

// Read, write and header callbacks all have this form: CURLOPT_READFUNCTION(3).
typedef size_t (*uploadfs_curl_transfer_callback)(char *bytes, size_t size, size_t count, void *context);

// Options that take a long: switches, times, sizes below 2 GiB.
static inline CURLcode uploadfs_curl_setopt_long(CURL *easy, CURLoption option, long value) {
    return curl_easy_setopt(easy, option, value);
}

// Options that take a curl_off_t: sizes of files.
static inline CURLcode uploadfs_curl_setopt_offset(CURL *easy, CURLoption option, curl_off_t value) {
    return curl_easy_setopt(easy, option, value);
}

// Options that take a string, which libcurl copies.
static inline CURLcode uploadfs_curl_setopt_string(CURL *easy, CURLoption option, const char *value) {
    return curl_easy_setopt(easy, option, value);
}

// Options that take a pointer, which libcurl keeps: contexts of callbacks, the error buffer.
static inline CURLcode uploadfs_curl_setopt_pointer(CURL *easy, CURLoption option, void *value) {
    return curl_easy_setopt(easy, option, value);
}

// CURLOPT_HTTPHEADER; the list stays ours.
static inline CURLcode uploadfs_curl_setopt_list(CURL *easy, CURLoption option, struct curl_slist *value) {
    return curl_easy_setopt(easy, option, value);
}

// CURLOPT_READFUNCTION, CURLOPT_WRITEFUNCTION, CURLOPT_HEADERFUNCTION.
static inline CURLcode uploadfs_curl_setopt_transfer(
    CURL *easy, CURLoption option, uploadfs_curl_transfer_callback value) {
    return curl_easy_setopt(easy, option, value);
}

// CURLOPT_SEEKFUNCTION: its callback has a form of its own.
static inline CURLcode uploadfs_curl_setopt_seek(CURL *easy, curl_seek_callback value) {
    return curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, value);
}

// CURLOPT_XFERINFOFUNCTION: likewise.
static inline CURLcode uploadfs_curl_setopt_progress(CURL *easy, curl_xferinfo_callback value) {
    return curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, value);
}

// CURLOPT_PREREQFUNCTION: likewise.
static inline CURLcode uploadfs_curl_setopt_connected(CURL *easy, curl_prereq_callback value) {
    return curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, value);
}

// Facts that are a long.
static inline CURLcode uploadfs_curl_getinfo_long(CURL *easy, CURLINFO info, long *value) {
    return curl_easy_getinfo(easy, info, value);
}

// CURLINFO_ACTIVESOCKET: its type differs between platforms.
static inline CURLcode uploadfs_curl_getinfo_socket(CURL *easy, curl_socket_t *value) {
    return curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, value);
}

// Options of the multi handle that take a long.
static inline CURLMcode uploadfs_curl_multi_setopt_long(CURLM *multi, CURLMoption option, long value) {
    return curl_multi_setopt(multi, option, value);
}

#endif
