# SPDX-License-Identifier: MIT
# backup: with the server and without it, again, into what is none, and looked into by fsck
deliver simple.eml bob alice
deliver long.eml bob
cli backup $dir/copy
out packs: 1
out packs_copied: 1
out clean: yes
cli backup $dir/copy --json
out {"damaged":[],*"packs_copied":0,*"clean":true}
cli fsck --data $dir/copy
out messages: 3
out clean: yes
deliver simple.eml alice
cli backup $dir/copy
out packs_copied: 1
cli fsck --data $dir/copy
out messages: 4
# what is no backup, is left alone
write letter < not yours
cli!4 backup $dir
out martlet: $dir is not empty and no backup; name an empty or a new directory
cli!4 backup $dir/data
cli!2 backup
out martlet: usage: martlet backup DIR
cli!3 fsck --data $dir/nowhere
stop
cli backup $dir/other
out packs_copied: 1
cli fsck --data $dir/other
out messages: 4
out clean: yes
cli backup $dir/copy
out packs_copied: 0
start
# damage is told, and what the earlier backup has stays
stop
write data/pack/000001.pack < short
start
cli!1 backup $dir/fresh
out damaged: pack/000001.pack has only 5 of * bytes in *
out clean: no
cli!1 backup $dir/copy
out martlet: pack/000001.pack is not the one in $dir/copy*
cli fsck --data $dir/copy
out clean: yes
