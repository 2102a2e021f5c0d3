"""Where archives are kept: folders, WebDAV, S3 and Supabase Storage."""
