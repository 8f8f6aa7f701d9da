# SPDX-License-Identifier: MIT
# The LOGIN mechanism as it is in use: name and password, each in base64
S connect submissions hello
S > AUTH LOGIN
S <= 334 VXNlcm5hbWU6
S > YWxpY2VAZXhhbXBsZS50ZXN0
S <= 334 UGFzc3dvcmQ6
S > ZGVtbw==
S < 235 2.7.0
T connect submissions hello
T > AUTH LOGIN YWxpY2VAZXhhbXBsZS50ZXN0
T < 334 UGFzc3dvcmQ6
T > d3Jvbmc=
T < 535 5.7.8
T > AUTH LOGIN
T < 334
T > *
T < 501
T > NOOP
T < 250
