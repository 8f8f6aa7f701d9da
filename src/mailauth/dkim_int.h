/* SPDX-License-Identifier: MIT */
/* What the two files of DKIM share: the key. */
#pragma once

#include <openssl/evp.h>
#include <stdatomic.h>

#include "mailauth/dkim.h"

#define DKIM_SIGNATURE_MAX 1024 /* RSA of 8192 bits */

struct dkim_key {
	EVP_PKEY *pkey;
	bool is_ed25519;
	atomic_int refs;
};
